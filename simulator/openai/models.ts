/** The models of the OpenAI side, as data. */
import type { Refusals } from '../chat/refusals.ts';

interface OpenaiModel {
  readonly kind: 'chat' | 'image' | 'embedding' | 'rerank' | 'audio' | 'moderation';
  /** Takes images in messages. */
  readonly vision: boolean;
  readonly thinks: boolean;
  readonly contextTokens: number;
  /** GPT image models return base64 whatever is asked; others honour `response_format`, with `url` as default. */
  readonly alwaysBase64: boolean;
  /** Not offered by chat completions. */
  readonly onlyResponses?: true;
  /** Beyond what the interface itself refuses. */
  readonly refusals?: Refusals;
}

const CHAT: OpenaiModel = { kind: 'chat', vision: true, thinks: false, contextTokens: 128_000, alwaysBase64: false };
const IMAGE: OpenaiModel = { kind: 'image', vision: false, thinks: false, contextTokens: 32_000, alwaysBase64: false };

const EMBEDDING: OpenaiModel = { ...IMAGE, kind: 'embedding', contextTokens: 8_192 };

const RERANK: OpenaiModel = { ...EMBEDDING, kind: 'rerank' };

const AUDIO: OpenaiModel = { ...IMAGE, kind: 'audio' };
const MODERATION: OpenaiModel = { ...IMAGE, kind: 'moderation' };

const REASONING_NAMES = /^(o\d|gpt-[56])/;
const REASONING: OpenaiModel = {
  ...CHAT,
  thinks: true,
  refusals: {
    limit: 'max_completion_tokens',
    fields: [
      'temperature',
      'top_p',
      'presence_penalty',
      'frequency_penalty',
      'logprobs',
      'logit_bias',
      'stop',
      'top_k',
      'thinking',
      'enable_thinking',
    ],
    messageFields: ['reasoning_content', 'reasoning'],
  },
};

export const OPENAI_MODELS: Record<string, OpenaiModel> = {
  'sim-chat': CHAT,
  'sim-chat-mini': CHAT,
  'sim-chat-thinking': { ...CHAT, thinks: true },
  'sim-responses-thinking': { ...CHAT, thinks: true, onlyResponses: true },
  'sim-text': { ...CHAT, vision: false },
  'sim-small-context': { ...CHAT, contextTokens: 1_000 },
  'sim-short-answers': { ...CHAT, refusals: { mostTokens: 2_048 } },
  'sim-image': IMAGE,
  'sim-embedding': EMBEDDING,
  'sim-rerank': RERANK,
  'sim-speech': AUDIO,
  'sim-transcribe': AUDIO,
  'sim-moderation': MODERATION,
  'text-embedding-3-small': EMBEDDING,
  'text-embedding-3-large': EMBEDDING,
  'gpt-4o': CHAT,
  'gpt-4o-mini': CHAT,
  'gpt-6-sol': REASONING,
  'gpt-6-luna': REASONING,
  'gpt-5.5': REASONING,
  'gpt-5-mini': REASONING,
  'gpt-image-1.5': { ...IMAGE, alwaysBase64: true },
  'gpt-image-2': { ...IMAGE, alwaysBase64: true },
};

/** A model of the table; or any other name that starts with `sim-`, read by its name. Undefined: no such model. */
export function findOpenaiModel(name: string): OpenaiModel | undefined {
  const known = OPENAI_MODELS[name] ?? (REASONING_NAMES.test(name) ? REASONING : undefined);
  if (known || !name.startsWith('sim-')) return known;
  if (name.includes('image')) return IMAGE;
  if (name.includes('embedding')) return EMBEDDING;
  if (name.includes('rerank')) return RERANK;
  if (/speech|transcribe/.test(name)) return AUDIO;
  if (name.includes('moderation')) return MODERATION;
  return { ...CHAT, thinks: name.endsWith('-thinking') };
}

export function modelObject(id: string): Record<string, unknown> {
  return { id, object: 'model', created: 1_700_000_000, owned_by: 'simulator' };
}
