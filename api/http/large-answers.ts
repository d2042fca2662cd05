/**
 * Large answers: put together from what is JSON text already, counted for each user, and cut off where nobody reads them.
 * A process holds an answer until its client has taken it.
 */
import type { Server, ServerResponse } from 'node:http';
import { AnswersUnderWay } from './answers-under-way.ts';

export const LARGE_ANSWER_BYTES = 1024 * 1024;
/** Of one user in this process. */
const MOST_UNDER_WAY = 4;
/** A client that takes nothing for this long is taken for gone; a stream has the same time (sse.ts). */
const UNREAD_MS = 60_000;

/** JSON as text: a handler returns it in place of data. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** An object of these fields and of more that are text already, which to parse and write again would cost as much as its size. */
export function jsonWith(fields: object, texts: Readonly<Record<string, string>>): JsonText {
  const small = Object.entries(fields).map(([name, value]) => [name, JSON.stringify(value)] as const);
  const members = [...small, ...Object.entries(texts)].flatMap(([name, text]) =>
    text === undefined ? [] : `${JSON.stringify(name)}:${text}`,
  );
  return new JsonText(`{${members.join(',')}}`);
}

const large = new AnswersUnderWay(
  MOST_UNDER_WAY,
  (others) =>
    `${others} answers over 1 MB are on their way to you, which is the most: read or close them, then try again`,
);

/** Called before its payload is read. Idempotent for a response. @throws {AppError} tooManyRequests. */
export function admitLargeAnswer(response: ServerResponse, userId: number): void {
  large.admit(response, userId);
}

/** Ends connections whose client takes nothing of a whole answer. Node sets the time anew for the next request. */
export function dropUnread(server: Server, unreadMs = UNREAD_MS): void {
  // Before the listener that may answer at once.
  server.prependListener('request', ({ socket }, response) => {
    response.once('prefinish', () => socket.setTimeout(unreadMs));
  });
}
