/** A call that is answered in one piece and paid for as a whole: one charge around its attempts. */
import type { Usage } from '../../core/ledger/money.ts';
import type { StoredAnswer } from '../../core/ledger/operations/claim.ts';
import type { CallContext, UpstreamTarget } from '../../core/providers/provider.ts';
import type { CallOutput } from './attempts.ts';
import {
  type CallOutcome,
  type ChargeRequest,
  type InferenceDeps,
  openCharge,
  type Reply,
  type RequestContext,
  targetOf,
} from './charge.ts';
import type { Candidate, Plan } from './plan.ts';

/** @param Outcome what the caller of the call learns. */
export interface ChargedCommand<Outcome> extends ChargeRequest {
  /** How the answer of a keyed request is kept. */
  readonly keep?: (outcome: Outcome) => StoredAnswer;
}

export interface ChargedWork<Answer, Outcome> {
  readonly output: CallOutput;
  /** @throws {UpstreamFailure} */
  readonly call: (candidate: Candidate, target: UpstreamTarget, context: CallContext) => Promise<Answer>;
  readonly usage: (answer: Answer, candidate: Candidate) => Usage;
  readonly outcome: (call: CallOutcome, answer: Answer) => Outcome;
  /** About how long the answer of a keyed request is. */
  readonly keptBytes: (answer: Answer) => number;
}

/** @throws {AppError} what the caller may know. */
export async function chargedCall<Answer, Outcome extends CallOutcome>(
  deps: InferenceDeps,
  command: ChargedCommand<Outcome>,
  plan: Plan,
  work: ChargedWork<Answer, Outcome>,
  caller: RequestContext,
): Promise<Reply<Outcome>> {
  const charge = await openCharge(deps, command, plan, undefined, caller.requestId);
  if (charge.kind === 'answered-before') return charge;
  const context = { ...caller, signal: charge.deadline };
  try {
    const { calls } = charge;
    const answer = await calls.attempts(charge.plan.candidates, { output: work.output }, context, (candidate, apiKey) =>
      work.call(candidate, targetOf(candidate, apiKey), context),
    );
    const usage = work.usage(answer, calls.served.candidate);
    const outcome = await charge.capture(usage, (call) => work.outcome(call, answer), {
      keep: command.keep && { answer: command.keep, bytes: work.keptBytes(answer) },
    });
    return { kind: 'answered-now', outcome };
  } catch (error) {
    await charge.release(error);
    throw error;
  }
}
