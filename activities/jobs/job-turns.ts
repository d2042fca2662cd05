/**
 * Chat jobs of kept conversations: the turn is added when the job has completed, from what its row says, by whichever
 * run finds it completed. Safe to repeat, so a MongoDB that is away only makes the run come again.
 */
import { z } from 'zod';
import { askedInChat } from '../../core/conversations/turn.ts';
import type { Turns } from '../../core/conversations/turns.ts';
import { column } from '../../infra/mysql/rows.ts';
import type { JobStore, JobWork } from './store.ts';
import { storedChatSchema } from './stored-chat.ts';

/** @throws {AppError} databaseUnavailable. */
export type KeepTurn = (work: JobWork) => Promise<void>;

/** What a chat job's row has as its result. */
const readResult = column.jsonOf(
  z.object({
    assistantMessage: z.string(),
    reasoningContent: z.string().optional(),
    inputTokensCount: z.number(),
    outputTokensCount: z.number(),
  }),
);

export function keepTurnsOfJobs(store: Pick<JobStore, 'announced'>, turns: Turns): KeepTurn {
  return async (work) => {
    const { turn } = work.plan;
    if (turn === undefined) return;
    const job = await store.announced(work.id);
    if (job?.status !== 'COMPLETED' || job.result === null) return;
    const result = readResult(job.result, 'result');
    const asked = askedInChat(storedChatSchema.parse(await work.request()));
    await turns.add(work.userId, turn, work.id, asked, {
      content: result.assistantMessage,
      reasoningContent: result.reasoningContent,
      modelIdentifier: job.modelName,
      promptTokens: result.inputTokensCount,
      completionTokens: result.outputTokensCount,
      cost: job.cost ?? 0n,
    });
  };
}
