/** What must hold for a model as a whole. Pure. */
import { type FieldError, invalid } from '../../infra/errors.ts';
import type { ModelFields } from './model-record.ts';
import type { PriceFields } from './pricing.ts';

/** @throws {AppError} invalidParameter that names each wrong field. */
export function checkModel(fields: ModelFields, price: PriceFields | null): void {
  const problems: FieldError[] = [];
  if (fields.capabilities.length === 0) problems.push({ path: 'capabilities', message: 'must name at least one' });
  if (fields.online && price === null) {
    problems.push({ path: 'pricing', message: 'is required for a model that is online' });
  }
  if (exceeds(fields.maxOutputTokens, fields.contextWindow)) {
    problems.push({ path: 'maxOutputTokens', message: 'must not exceed contextWindow' });
  }
  if (exceeds(fields.defaultMaxTokens, fields.maxOutputTokens ?? fields.contextWindow)) {
    problems.push({ path: 'defaultMaxTokens', message: 'must not exceed maxOutputTokens or contextWindow' });
  }
  if (problems.length > 0) throw invalid(problems);
}

function exceeds(value: number | null, limit: number | null): boolean {
  return value !== null && limit !== null && value > limit;
}
