/** Which models a job may still be served by. */
import { AppError } from '../../infra/errors.ts';
import type { InferenceDeps } from '../inference/charge.ts';
import type { Candidate } from '../inference/plan.ts';
import type { JobPlan } from './job.ts';

/** The candidates of the plan that are still online, at the prices and limits they were held for. */
export async function plannedCandidates(deps: Pick<InferenceDeps, 'models'>, plan: JobPlan): Promise<Candidate[]> {
  const models = await deps.models.pricedAt(plan.candidates.map((candidate) => candidate.priceId));
  const candidates = plan.candidates.flatMap(({ priceId, maxTokens }) => {
    const model = models.find((priced) => priced.price.id === priceId);
    return model ? [{ ...model, maxTokens }] : [];
  });
  if (candidates.length === 0) throw new AppError('modelOffline', 'none of the models this job was held for is online');
  return candidates;
}
