/** Conversations and their messages, as the product speaks of them. Pure. */
import { createHash, randomBytes } from 'node:crypto';

export const DEFAULT_TITLE = '新会话';
const SUMMARY_CHARACTERS = 100;
const TITLE_CHARACTERS = 50;

export interface Conversation {
  readonly conversationId: string;
  readonly title: string;
  readonly pinned: boolean;
  readonly lastModelIdentifier: string | null;
  readonly lastMessageSummary: string | null;
  readonly messageCount: number;
  readonly lastActiveAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface Message {
  readonly messageId: string;
  readonly conversationId: string;
  readonly role: string;
  readonly content: string;
  /** What a thinking model said to itself before its answer. */
  readonly reasoningContent: string | null;
  readonly imageUrls: readonly string[];
  readonly modelIdentifier: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  /** Nano-units. */
  readonly cost: bigint | null;
  readonly createdAt: Date;
}

/** A message to be kept; what is left out is empty or null. */
export type NewMessage = Pick<Message, 'role' | 'content'> &
  Partial<Omit<Message, 'messageId' | 'conversationId' | 'createdAt' | 'role' | 'content'>>;

export function newConversationId(): string {
  return `c_${randomBytes(16).toString('hex')}`;
}

/** The id of the conversation that an operation makes: the same when it runs again. */
export function conversationIdOf(operationId: string): string {
  return `c_${createHash('sha256').update(operationId).digest('hex').slice(0, 32)}`;
}

/** Spaces, and what ends a line, rings a bell or turns the rest of the line around. */
const GAPS = /[\s\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu;

/** A text as it may stand in a list of others. */
export function inOneLine(text: string): string {
  return text.replaceAll(GAPS, ' ').trim();
}

/** The beginning of a message, in one line. */
export function summaryOf(content: string): string {
  return beginningOf(content, SUMMARY_CHARACTERS);
}

/** The title of a conversation that begins with a message. */
export function titleOf(content: string): string {
  return beginningOf(content, TITLE_CHARACTERS) || DEFAULT_TITLE;
}

function beginningOf(content: string, most: number): string {
  const line = inOneLine(content);
  const characters = Array.from(line.slice(0, (most + 1) * 2));
  return characters.length > most ? `${characters.slice(0, most).join('')}…` : line;
}

/** The id of a call's message, by its place among the call's. */
export function messageIdOf(requestId: string, index: number): string {
  return `${requestId}-${index}`;
}

/**
 * The messages of one call as they are stored. Their ids come from the call's, so that a call that is run again stores
 * the same ones; their times are one millisecond apart and after `lastActiveAt`, so that they keep their order.
 */
export function messagesOf(
  conversationId: string,
  requestId: string,
  messages: readonly NewMessage[],
  lastActiveAt: Date,
  nowMs: number,
): Message[] {
  const firstMs = Math.max(nowMs, lastActiveAt.getTime() + 1);
  return messages.map((message, index) => ({
    messageId: messageIdOf(requestId, index),
    conversationId,
    role: message.role,
    content: message.content,
    reasoningContent: message.reasoningContent ?? null,
    imageUrls: message.imageUrls ?? [],
    modelIdentifier: message.modelIdentifier ?? null,
    promptTokens: message.promptTokens ?? null,
    completionTokens: message.completionTokens ?? null,
    cost: message.cost ?? null,
    createdAt: new Date(firstMs + index),
  }));
}
