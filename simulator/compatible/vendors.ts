/** Vendors of OpenAI's interface that have no wire format of their own: where they are, what they refuse, as data. */
import type { Refusals } from '../chat/refusals.ts';
import type { VendorName } from '../vendor.ts';

/** How an error is written; errors.ts has the forms. */
export type ErrorForm = 'openai' | 'numbered' | 'minimax' | 'flat' | 'xai' | 'google' | 'vllm';

/** What turns thinking on and off, and whether it is on without it. */
export interface Thinking {
  readonly by: 'thinking' | 'reasoning_effort' | 'enable_thinking' | 'chat_template_kwargs' | 'always' | 'never';
  readonly unasked: boolean;
}

export interface CompatibleModel {
  readonly names: RegExp;
  readonly vision: boolean;
  readonly contextTokens: number;
  readonly thinking: Thinking;
  readonly refusals: Refusals;
}

export interface CompatibleVendor {
  readonly name: VendorName;
  /** Its path below the simulator's address. */
  readonly base: string;
  readonly errors: ErrorForm;
  /** `beside`: reasoning is not part of the completion, only of the total. */
  readonly usage: 'openai' | 'deepseek' | 'moonshot' | 'beside';
  /** What GET /models lists. */
  readonly listed: readonly string[];
  readonly models: readonly CompatibleModel[];
}

const NO_DEVELOPER: Refusals = { developerRole: true };
const ON: Thinking = { by: 'thinking', unasked: true };
const KIMI: Refusals = {
  ...NO_DEVELOPER,
  limit: 'max_completion_tokens',
  values: { temperature: [1], top_p: [0.95], n: [1], presence_penalty: [0], frequency_penalty: [0] },
};
const EFFORT_FROM_LOW = ['low', 'medium', 'high'];

function model(names: RegExp, rest: Partial<Omit<CompatibleModel, 'names'>>): CompatibleModel {
  return {
    names,
    vision: false,
    contextTokens: 128_000,
    thinking: { by: 'never', unasked: false },
    refusals: NO_DEVELOPER,
    ...rest,
  };
}

export const COMPATIBLE_VENDORS: readonly CompatibleVendor[] = [
  {
    name: 'deepseek',
    base: '/deepseek',
    errors: 'openai',
    usage: 'deepseek',
    listed: ['deepseek-flash', 'deepseek-v4-pro'],
    models: [
      model(/^deepseek-flash$/, { vision: true, thinking: ON, refusals: { ...NO_DEVELOPER, schema: true } }),
      model(/^deepseek-/, { thinking: ON, refusals: { ...NO_DEVELOPER, schema: true, mostTokens: 393_216 } }),
    ],
  },
  {
    name: 'moonshot',
    base: '/moonshot/v1',
    errors: 'openai',
    usage: 'moonshot',
    listed: ['kimi-k3', 'kimi-k2.6'],
    models: [
      model(/^kimi-k3/, {
        vision: true,
        thinking: { by: 'always', unasked: true },
        refusals: { ...KIMI, thinkingOff: true, values: { ...KIMI.values, reasoning_effort: ['low', 'high', 'max'] } },
      }),
      model(/^kimi-/, { vision: true, thinking: ON, refusals: { ...KIMI, fields: ['thinking_budget'] } }),
    ],
  },
  {
    name: 'zhipu',
    base: '/zhipu/api/paas/v4',
    errors: 'numbered',
    usage: 'openai',
    listed: ['glm-5.3', 'glm-5.3-flash'],
    models: [
      model(/^glm-5\.3/, {
        vision: true,
        thinking: { by: 'always', unasked: true },
        refusals: {
          ...NO_DEVELOPER,
          limit: 'max_tokens',
          mostTokens: 131_072,
          schema: true,
          toolChoice: true,
          thinkingOff: true,
          fields: ['presence_penalty', 'frequency_penalty', 'logprobs', 'n'],
          bounds: { temperature: [0, 1], top_p: [0.01, 1] },
          values: { reasoning_effort: ['low', 'high', 'max'] },
          messageFields: ['name'],
        },
      }),
    ],
  },
  {
    name: 'minimax',
    base: '/minimax/v1',
    errors: 'minimax',
    usage: 'openai',
    listed: ['MiniMax-M3.1-Flash', 'MiniMax-M2.7'],
    models: [
      model(/^MiniMax-/, {
        vision: true,
        thinking: { by: 'always', unasked: true },
        refusals: {
          ...NO_DEVELOPER,
          limit: 'max_completion_tokens',
          laterSystem: true,
          toolChoice: true,
          bounds: { temperature: [0.01, 1] },
          fields: ['n', 'logprobs', 'logit_bias'],
        },
      }),
    ],
  },
  {
    name: 'siliconflow',
    base: '/siliconflow/v1',
    errors: 'flat',
    usage: 'openai',
    listed: ['deepseek-ai/DeepSeek-V4-Flash', 'Qwen/Qwen3.6-27B'],
    models: [
      model(/\//, {
        vision: true,
        thinking: { by: 'enable_thinking', unasked: true },
        refusals: { ...NO_DEVELOPER, limit: 'max_tokens', fields: ['n', 'thinking', 'reasoning_effort'] },
      }),
    ],
  },
  {
    name: 'xai',
    base: '/xai/v1',
    errors: 'xai',
    usage: 'beside',
    listed: ['grok-4.7', 'grok-4.3'],
    models: [
      model(/^grok-/, {
        vision: true,
        thinking: { by: 'reasoning_effort', unasked: true },
        refusals: {
          ...NO_DEVELOPER,
          limit: 'max_completion_tokens',
          fields: ['presence_penalty', 'frequency_penalty', 'stop', 'logit_bias', 'thinking', 'enable_thinking'],
          values: { reasoning_effort: [...EFFORT_FROM_LOW, 'none'] },
        },
      }),
    ],
  },
  {
    name: 'gemini',
    base: '/gemini/v1beta/openai',
    errors: 'google',
    usage: 'beside',
    listed: ['gemini-3.8-flash', 'gemini-3.1-pro-preview'],
    models: [
      model(/^gemini-/, {
        vision: true,
        thinking: { by: 'reasoning_effort', unasked: true },
        refusals: {
          ...NO_DEVELOPER,
          fields: ['logit_bias', 'top_k', 'thinking', 'enable_thinking'],
          values: { reasoning_effort: EFFORT_FROM_LOW },
          messageFields: ['reasoning_content'],
        },
      }),
    ],
  },
  {
    name: 'openrouter',
    base: '/openrouter/api/v1',
    errors: 'openai',
    usage: 'openai',
    listed: ['deepseek/deepseek-chat-v3.1'],
    models: [model(/\//, { refusals: {} })],
  },
  {
    name: 'ollama',
    base: '/ollama/v1',
    errors: 'openai',
    usage: 'openai',
    listed: ['llama4:8b', 'qwen3:4b'],
    models: [
      model(/:/, {
        thinking: { by: 'reasoning_effort', unasked: false },
        refusals: {
          ...NO_DEVELOPER,
          fields: ['n', 'logit_bias'],
          values: { reasoning_effort: ['none', ...EFFORT_FROM_LOW] },
        },
      }),
    ],
  },
  {
    name: 'vllm',
    base: '/vllm/v1',
    errors: 'vllm',
    usage: 'openai',
    listed: ['Qwen/Qwen3-32B'],
    models: [
      model(/\//, {
        thinking: { by: 'chat_template_kwargs', unasked: true },
        refusals: { ...NO_DEVELOPER, laterSystem: true },
      }),
    ],
  },
];

/** A model of the vendor, without regard to case as vendors do. */
export function findCompatibleModel(vendor: CompatibleVendor, name: string): CompatibleModel | undefined {
  return vendor.models.find(({ names }) => names.test(name));
}
