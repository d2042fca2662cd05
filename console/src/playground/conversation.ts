/** The exchanges of the playground, and how one is sent: as a stream, at once, or as a job that is followed. */
import { useEffect, useRef, useState } from 'react';
import { ApiError, TRACE_HEADER } from '../api/api-error.ts';
import { client, queryClient } from '../api/client.ts';
import { loadApiWords } from '../shared/failure.ts';
import { endOfJob } from '../shared/job-events.ts';
import { type Answer, answerOfResult, NO_ANSWER } from './answer.ts';
import { type Asked, chatJob, chatRequest, isChat, pictureRequest, type Spoken } from './request.ts';
import { streamChat, withKey } from './stream.ts';

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

/** One exchange at a time. */
export function useConversation(accessKeyId: number | undefined) {
  const [turns, setTurns] = useState<readonly Turn[]>([]);
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const last = turns.at(-1);

  const send = async (asked: Omit<Asked, 'before' | 'conversationId'>) => {
    if (accessKeyId === undefined) return;
    const id = (last?.id ?? 0) + 1;
    const change = (changed: Change) =>
      setTurns((all) => all.map((turn) => (turn.id === id ? { ...turn, ...changed } : turn)));
    const controller = new AbortController();
    running.current = controller;
    const before = turns
      .filter(({ answer }) => answer.text !== '')
      .map(({ said, answer }) => ({ said, answer: answer.text }));
    const conversationId = turns.findLast(({ answer }) => answer.conversationId !== undefined)?.answer.conversationId;
    const { said, model } = asked;
    setTurns((all) => [...all, { id, said, model: model.modelIdentifier, answer: NO_ANSWER, state: 'running' }]);
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
    if (jobId === undefined) running.current?.abort();
    // The job tells itself when it has ended.
    else void client.POST('/v1/async/jobs/{jobId}/cancel', { params: { path: { jobId } } }).catch(() => undefined);
  };

  const clear = () => {
    running.current?.abort();
    setTurns([]);
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
