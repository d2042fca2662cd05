/** The models of the OpenAI side, as data. */

interface OpenaiModel {
  readonly kind: 'chat' | 'image';
  /** Takes images in messages. */
  readonly vision: boolean;
  readonly thinks: boolean;
  readonly contextTokens: number;
  /** GPT image models return base64 whatever is asked; others honour `response_format`, with `url` as default. */
  readonly alwaysBase64: boolean;
}

const CHAT: OpenaiModel = { kind: 'chat', vision: true, thinks: false, contextTokens: 128_000, alwaysBase64: false };
const IMAGE: OpenaiModel = { kind: 'image', vision: false, thinks: false, contextTokens: 32_000, alwaysBase64: false };

export const OPENAI_MODELS: Record<string, OpenaiModel> = {
  'sim-chat': CHAT,
  'sim-chat-mini': CHAT,
  'sim-chat-thinking': { ...CHAT, thinks: true },
  'sim-text': { ...CHAT, vision: false },
  'sim-small-context': { ...CHAT, contextTokens: 1_000 },
  'sim-image': IMAGE,
  'gpt-4o': CHAT,
  'gpt-4o-mini': CHAT,
  'gpt-image-1.5': { ...IMAGE, alwaysBase64: true },
  'gpt-image-2': { ...IMAGE, alwaysBase64: true },
};

/** A model of the table; or any other name that starts with `sim-`, read by its name. Undefined: no such model. */
export function findOpenaiModel(name: string): OpenaiModel | undefined {
  const known = OPENAI_MODELS[name];
  if (known || !name.startsWith('sim-')) return known;
  if (name.includes('image')) return IMAGE;
  return { ...CHAT, thinks: name.endsWith('-thinking') };
}

export function modelObject(id: string): Record<string, unknown> {
  return { id, object: 'model', created: 1_700_000_000, owned_by: 'simulator' };
}
