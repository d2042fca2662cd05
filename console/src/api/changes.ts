/** How a request is sent: a change with the CSRF token of the session, and once more where the first try says how. */

export interface SessionOfChanges {
  readonly userId: number;
  readonly csrfToken: string;
}

interface Surroundings {
  readonly send: (request: Request) => Promise<Response>;
  /** As the page knows it. */
  readonly session: () => SessionOfChanges | null | undefined;
  /** As the API knows it now. */
  readonly askAgain: () => Promise<SessionOfChanges | null>;
  /** What is thrown where the session is another user's by now: nothing may be done in that name. */
  readonly otherUser: () => Error;
  readonly pause: (ms: number) => Promise<void>;
}

/** The API's number of: a request with this Idempotency-Key is still running. */
const STILL_RUNNING = 409_001;
const MOST_WAITS = 60;
const WAIT_MS = 1_000;
/** A connection that says nothing any more would be waited for without end. */
const MOST_READING_MS = 60_000;

export function sender({ send, session, askAgain, otherUser, pause }: Surroundings) {
  const sendWith = (request: Request, csrfToken: string | undefined) => {
    const copy = request.clone();
    if (csrfToken !== undefined) copy.headers.set('X-CSRF-Token', csrfToken);
    return send(copy);
  };

  /** Another tab may have signed in anew since the page asked for its session. */
  const change = async (request: Request): Promise<Response> => {
    const before = session();
    const answer = await sendWith(request, before?.csrfToken);
    if (answer.status !== 403 || !before) return answer;
    const now = await askAgain();
    if (now?.userId !== before.userId) throw otherUser();
    return now.csrfToken === before.csrfToken ? answer : sendWith(request, now.csrfToken);
  };

  return async (request: Request): Promise<Response> => {
    if (request.method === 'GET') {
      const signal = AbortSignal.any([request.signal, AbortSignal.timeout(MOST_READING_MS)]);
      return send(new Request(request, { signal }));
    }
    let answer = await change(request);
    for (let waits = 0; waits < MOST_WAITS && (await isStillRunning(answer)); waits += 1) {
      await pause(WAIT_MS);
      request.signal.throwIfAborted();
      answer = await change(request);
    }
    return answer;
  };
}

async function isStillRunning(answer: Response): Promise<boolean> {
  if (answer.status !== 409) return false;
  const body: unknown = await answer
    .clone()
    .json()
    .catch(() => undefined);
  return typeof body === 'object' && body !== null && Reflect.get(body, 'code') === STILL_RUNNING;
}
