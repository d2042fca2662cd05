/** Upper bounds of what a prompt can count, without tokenizing: a token is at least one UTF-8 byte. Pure. */
import type { ChatBody } from '../../core/providers/provider.ts';

/** Role markers and separators that providers' chat templates add to a message. */
const TEMPLATE_TOKENS_PER_MESSAGE = 16;

export interface PromptSize {
  /** UTF-8 bytes of all text, tool definitions and schemas, and the template around each message. */
  readonly textBytes: number;
  readonly images: number;
}

/** Measures a chat body; picture data does not count as text. */
export function promptSize(body: ChatBody): PromptSize {
  let textBytes = 0;
  let images = 0;
  for (const message of body.messages) {
    textBytes += TEMPLATE_TOKENS_PER_MESSAGE;
    if (typeof message !== 'object' || message === null) continue;
    for (const [field, value] of Object.entries(message)) {
      if (field !== 'content' || !Array.isArray(value)) {
        textBytes += bytesOf(value);
        continue;
      }
      for (const part of value) {
        if (isImagePart(part)) images += 1;
        else textBytes += bytesOf(part);
      }
    }
  }
  for (const field of ['tools', 'functions', 'response_format']) textBytes += bytesOf(body[field]);
  return { textBytes, images };
}

function isImagePart(part: unknown): boolean {
  return typeof part === 'object' && part !== null && 'type' in part && part.type === 'image_url';
}

function bytesOf(value: unknown): number {
  if (value === undefined || value === null) return 0;
  return Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));
}
