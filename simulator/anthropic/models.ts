/** The models of Anthropic's side, as data. */

interface AnthropicModel {
  readonly contextTokens: number;
}

const MODEL: AnthropicModel = { contextTokens: 200_000 };

export const ANTHROPIC_MODELS: Record<string, AnthropicModel> = {
  'sim-claude': MODEL,
  'sim-claude-small': { contextTokens: 1_000 },
  'claude-opus-5-5': MODEL,
  'claude-sonnet-5-5': MODEL,
  'claude-haiku-5-5': MODEL,
};

/** A model of the table, or any other name that starts with `sim-` or `claude-`. Undefined: no such model. */
export function findAnthropicModel(name: string): AnthropicModel | undefined {
  return ANTHROPIC_MODELS[name] ?? (/^(sim|claude)-/.test(name) ? MODEL : undefined);
}

export function anthropicModelObject(id: string): Record<string, unknown> {
  return { type: 'model', id, display_name: id, created_at: '2026-10-01T00:00:00Z' };
}
