/** DashScope's chat models, as data. */

interface ChatModel {
  readonly vision: boolean;
  /** `if-on`: reasons when enable_thinking asks for it. `unless-off`: reasons by default, and then only in a stream. */
  readonly thinking: 'never' | 'if-on' | 'unless-off' | 'always';
  /** Refuses a whole answer. */
  readonly onlyStreams?: true;
  readonly contextTokens: number;
}

const TEXT: ChatModel = { vision: false, thinking: 'if-on', contextTokens: 129_024 };

export const CHAT_MODELS: Record<string, ChatModel> = {
  'qwen-max': { ...TEXT, thinking: 'never' },
  'qwen-plus': TEXT,
  'qwen-turbo': TEXT,
  'qwen3-max': TEXT,
  'qwen3-32b': { ...TEXT, thinking: 'unless-off' },
  'qwq-plus': { ...TEXT, thinking: 'always', onlyStreams: true },
  'qwen-vl-max': { ...TEXT, vision: true, thinking: 'never' },
  'qwen3-vl-plus': { ...TEXT, vision: true },
};

/** A model of the table, or any name that starts with `sim-`. */
export function findChatModel(name: string): ChatModel | undefined {
  return CHAT_MODELS[name] ?? (name.startsWith('sim-') ? { ...TEXT, vision: true } : undefined);
}
