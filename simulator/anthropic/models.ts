/** The models of Anthropic's side, as data. */

interface AnthropicModel {
  readonly contextTokens: number;
  /** Newer models refuse fields of sampling and budgets of thought. */
  readonly isAdaptive: boolean;
  readonly alwaysThinks: boolean;
}

const MODEL: AnthropicModel = { contextTokens: 200_000, isAdaptive: false, alwaysThinks: false };
const ADAPTIVE: AnthropicModel = { contextTokens: 1_000_000, isAdaptive: true, alwaysThinks: false };
const ADAPTIVE_NAMES = /^claude-(opus-(4-[78]|5)|sonnet-5|haiku-5|fable)/;
const ALWAYS_THINKING_NAMES = /^claude-(opus-5-5|fable)/;

export const ANTHROPIC_MODELS: Record<string, AnthropicModel> = {
  'sim-claude': MODEL,
  'sim-claude-small': { ...MODEL, contextTokens: 1_000 },
  'claude-opus-5-5': { ...ADAPTIVE, alwaysThinks: true },
  'claude-sonnet-5-5': ADAPTIVE,
  'claude-haiku-5-5': ADAPTIVE,
  'claude-haiku-4-5': MODEL,
};

/** A model of the table, or any other name that starts with `sim-` or `claude-`. Undefined: no such model. */
export function findAnthropicModel(name: string): AnthropicModel | undefined {
  const known = ANTHROPIC_MODELS[name];
  if (known) return known;
  if (ADAPTIVE_NAMES.test(name)) return { ...ADAPTIVE, alwaysThinks: ALWAYS_THINKING_NAMES.test(name) };
  return /^(sim|claude)-/.test(name) ? MODEL : undefined;
}

export function anthropicModelObject(id: string): Record<string, unknown> {
  return { type: 'model', id, display_name: id, created_at: '2026-10-01T00:00:00Z' };
}
