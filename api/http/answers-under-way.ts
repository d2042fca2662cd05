/** Answers that a process holds for one user at a time, so that nobody takes all of its memory or connections. */
import type { ServerResponse } from 'node:http';
import { AppError } from '../../infra/errors.ts';

const RETRY_AFTER_SECONDS = 1;

export class AnswersUnderWay {
  readonly #most: number;
  readonly #refusal: (others: number) => string;
  readonly #ofUsers = new Map<number, number>();
  readonly #admitted = new WeakSet<ServerResponse>();

  /** @param refusal what is said to a user who has as many. */
  constructor(most: number, refusal: (others: number) => string) {
    this.#most = most;
    this.#refusal = refusal;
  }

  /**
   * Counts an answer until it is out or its client has left. Idempotent for a response.
   * @throws {AppError} tooManyRequests.
   */
  admit(response: ServerResponse, userId: number): void {
    // A response that is closed already would never say so again.
    if (this.#admitted.has(response) || response.destroyed) return;
    const others = this.#ofUsers.get(userId) ?? 0;
    if (others >= this.#most) {
      throw new AppError('tooManyRequests', this.#refusal(others), { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    this.#admitted.add(response);
    this.#ofUsers.set(userId, others + 1);
    response.once('close', () => {
      const rest = (this.#ofUsers.get(userId) ?? 1) - 1;
      if (rest > 0) this.#ofUsers.set(userId, rest);
      else this.#ofUsers.delete(userId);
    });
  }
}

/** As many as a user may have jobs that live, by default. */
const MOST_WAITING = 1_000;
const waiting = new AnswersUnderWay(
  MOST_WAITING,
  (others) => `${others} requests of yours wait for jobs or follow them, which is the most: end some, then try again`,
);

/** Of a request that is held until something happens. @throws {AppError} tooManyRequests. */
export function admitWaiting(response: ServerResponse, userId: number): void {
  waiting.admit(response, userId);
}
