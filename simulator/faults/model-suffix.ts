/** Faults written behind a model's name: `sim-chat!429`, `sim-chat!slow-chunks=20!cut=3`; `+` is as good as `!`. */
import { defaultValue, type FaultName, isFaultName } from './fault-table.ts';

export type SuffixedModel =
  | { ok: true; model: string; faults: Map<FaultName, number> }
  | { ok: false; model: string; unknown: string };

/** Splits the name a caller asked for into the model and its faults. */
export function parseModelName(name: string): SuffixedModel {
  const [model = '', ...suffixes] = name.split(/[!+]/);
  const faults = new Map<FaultName, number>();
  for (const suffix of suffixes) {
    const [fault = '', text] = suffix.split('=');
    const value = text === undefined || text === '' ? undefined : Number(text);
    if (!isFaultName(fault) || (value !== undefined && !Number.isFinite(value))) {
      return { ok: false, model, unknown: suffix };
    }
    faults.set(fault, value ?? defaultValue(fault));
  }
  return { ok: true, model, faults };
}
