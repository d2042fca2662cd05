/** What providers count that cannot be true: told to the operator, who has to settle it with them. */
import { Counter, type Registry } from 'prom-client';
import type { Logger } from '../../infra/logger.ts';

/** A count of nothing where something was delivered, one far beyond what the call may take, or what is no count. */
export type UsageDoubt = 'too-small' | 'too-large' | 'impossible';

export type NoteUsageDoubt = (
  doubt: UsageDoubt,
  model: { readonly providerName: string; readonly modelIdentifier: string },
  reported: object,
) => void;

export function createUsageDoubts(registry: Registry, log: Logger): NoteUsageDoubt {
  const doubted = new Counter({
    name: 'provider_usage_doubted_total',
    help: 'Counts of providers that cannot be true, in place of which the gateway charged its own',
    labelNames: ['provider', 'doubt'],
    registers: [registry],
  });
  return (doubt, { providerName, modelIdentifier }, reported) => {
    doubted.inc({ provider: providerName, doubt });
    const facts = { provider: providerName, model: modelIdentifier, doubt, reported };
    log.warn(facts, "a provider's count cannot be true; the call is charged by our own");
  };
}
