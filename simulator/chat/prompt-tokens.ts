/** Prompt tokens, by OpenAI's published rule for its own chat format. */
import { countTokens } from '../../infra/tokens.ts';
import { imageTokens, readImageInput } from '../content/image-input.ts';
import { type ChatRequest, messageImages, messageText } from './request.ts';

/** Around each message, for a name, and for the start of the reply. */
const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_NAME = 1;
const TOKENS_OF_REPLY_START = 3;

/** Texts, roles, names, tool calls, tools as JSON, and images by `imageTokens`. */
export function promptTokens(request: ChatRequest): number {
  let tokens = TOKENS_OF_REPLY_START;
  for (const message of request.messages) {
    tokens += TOKENS_PER_MESSAGE + countTokens(message.role) + countTokens(messageText(message));
    if (message.name) tokens += TOKENS_PER_NAME + countTokens(message.name);
    for (const call of message.tool_calls ?? []) {
      tokens += countTokens(call.function?.name ?? '') + countTokens(call.function?.arguments ?? '');
    }
    for (const image of messageImages(message)) tokens += imageTokens(readImageInput(image.url), image.detail);
  }
  if (request.tools?.length) tokens += countTokens(JSON.stringify(request.tools));
  return tokens;
}
