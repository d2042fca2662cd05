/** The exchanges of the playground, and how one is sent: as a stream, at once, or as a job that is followed. */
import { ApiError, TRACE_HEADER } from '../api/api-error.ts';
import { client, queryClient, withKey } from '../api/client.ts';
import { loadApiWords } from '../shared/failure.ts';
import { endOfJob } from '../shared/job-events.ts';
import { sessionState } from '../shared/session-state.ts';
import { type Answer, answerOfResult, NO_ANSWER } from './answer.ts';
import { type Asked, chatJob, chatRequest, isChat, pictureRequest, type Spoken } from './request.ts';
import { streamChat } from './stream.ts';

export interface Turn {
  readonly id: number;
  readonly said: Spoken;
  readonly model: string;
  readonly answer: Answer;
  readonly state: 'running' | 'done' | 'stopped' | 'failed';
  readonly error?: unknown;
  readonly jobId?: string;
  /** Of a job, 0 to 100. */
  readonly progress?: number;
}

type Change = Partial<Omit<Turn, 'id' | 'said'>>;

/** Its answer goes on, too, while its user looks at other views. */
const TALK = sessionState<readonly Turn[]>('playground-talk', []);

let running: AbortController | undefined;
let turnsMade = 0;

/** One exchange at a time. */
export function useConversation(accessKeyId: number | undefined) {
  const turns = TALK.useValue();
  const last = turns.at(-1);

  const send = async (asked: Omit<Asked, 'before' | 'conversationId'>) => {
    if (accessKeyId === undefined) return;
    turnsMade += 1;
    const id = turnsMade;
    const controller = new AbortController();
    running = controller;
    const change = (changed: Change) =>
      TALK.set((all) => {
        if (!all.some((turn) => turn.id === id)) controller.abort();
        return all.map((turn) => (turn.id === id ? { ...turn, ...changed } : turn));
      });
    const before = turns
      .filter(({ answer }) => answer.text !== '')
      .map(({ said, answer }) => ({ said, answer: answer.text }));
    const conversationId = turns.findLast(({ answer }) => answer.conversationId !== undefined)?.answer.conversationId;
    const { said, model } = asked;
    TALK.set((all) => [...all, { id, said, model: model.modelIdentifier, answer: NO_ANSWER, state: 'running' }]);
    try {
      await perform({ ...asked, before, conversationId }, accessKeyId, controller.signal, change);
      change({ state: 'done' });
    } catch (error) {
      await loadApiWords();
      change(controller.signal.aborted ? { state: 'stopped' } : { state: 'failed', error });
    }
    // The balance, the calls and the jobs have changed.
    void queryClient.invalidateQueries();
  };

  const stop = () => {
    const jobId = last?.jobId;
    if (jobId === undefined) running?.abort();
    // The job tells itself when it has ended.
    else void client.POST('/v1/async/jobs/{jobId}/cancel', { params: { path: { jobId } } }).catch(() => undefined);
  };

  const clear = () => {
    running?.abort();
    TALK.set([]);
  };
  return { turns, isRunning: last?.state === 'running', send, stop, clear };
}

async function perform(asked: Asked, accessKeyId: number, signal: AbortSignal, change: (changed: Change) => void) {
  const headers = withKey(accessKeyId);
  const chats = isChat(asked.model);
  if (chats && !asked.parameters.asJob) {
    return streamChat(accessKeyId, chatRequest(asked), signal, (answer) => change({ answer }));
  }
  if (!asked.parameters.asJob) {
    const { data } = await client.POST('/v1/generate-image', { body: pictureRequest(asked), headers, signal });
    return change({ answer: answerOfResult(data) });
  }
  const { data: accepted, response } = chats
    ? await client.POST('/v1/async/chat', { body: chatJob(asked), headers, signal })
    : await client.POST('/v1/async/generate-image', { body: pictureRequest(asked), headers, signal });
  if (accepted === undefined) throw new ApiError(502, 0, 'the job was not accepted', [], undefined);
  const { jobId } = accepted;
  change({ jobId, progress: 0 });
  await endOfJob(jobId, signal, ({ progress }) => change({ progress }));
  const { data: job } = await client.GET('/v1/async/jobs/{jobId}', { params: { path: { jobId } }, signal });
  const cost = job?.cost ?? undefined;
  change({ answer: { ...answerOfResult(job?.resultPayload), cost, requestId: jobId } });
  if (job?.status === 'COMPLETED') return;
  // The trace of a job is that of its submission.
  const trace = response.headers.get(TRACE_HEADER) ?? undefined;
  throw new ApiError(409, 0, job?.errorMessage ?? job?.status ?? '', [], trace);
}
