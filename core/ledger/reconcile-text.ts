/** A reconciliation as an operator reads it. Pure. */
import type { Reconciliation } from './reconcile.ts';

export function reconciliationText(result: Reconciliation): string {
  const seconds = ((result.finishedAt.getTime() - result.startedAt.getTime()) / 1_000).toFixed(1);
  const lines = result.invariants.flatMap(({ name, checked, breaches, examples, note }, index) => [
    `${breaches === 0 ? '✔' : '✖'} ${index + 1}. ${name}: ${checked} checked, ${breaches} breaches`,
    ...(note === undefined ? [] : [`     ${note}`]),
    ...examples.map((example) => `     ${example}`),
  ]);
  const verdict = result.breaches === 0 ? 'no breach' : `${result.breaches} breaches`;
  return [...lines, `${verdict}, in ${seconds} s`].join('\n');
}
