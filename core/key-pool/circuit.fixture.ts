import { accountEffect, type CircuitEffect, type CircuitSettings, modelEffect } from './circuit.ts';
import type { CallResult } from './key-pool.ts';

/** As the pool does it: a refused account concerns the key's own circuit, all else the model's. */
export function effectOf(result: CallResult, settings: CircuitSettings): CircuitEffect {
  const isAccount = result.kind === 'failure' && result.failure === 'account';
  return (isAccount ? accountEffect : modelEffect)(result, settings);
}
