/** The adapters of all kinds of providers. */
import type { Config } from '../../../infra/config.ts';
import type { Outbound } from '../../../infra/outbound.ts';
import { ARK_DIALECT } from './ark/chat.ts';
import { DASHSCOPE_DIALECT } from './dashscope/chat.ts';
import { createChatAdapter, OPENAI_DIALECT } from './openai/chat.ts';
import { createOpenAiClient } from './openai/client.ts';
import type { ChatAdapter, ProviderKind } from './provider.ts';

export interface AdapterDependencies {
  readonly outbound: Outbound;
  readonly config: Pick<Config, 'UPSTREAM_TOTAL_TIMEOUT' | 'UPSTREAM_FIRST_BYTE_TIMEOUT' | 'UPSTREAM_IDLE_TIMEOUT'>;
}

export interface Adapters {
  readonly chat: Readonly<Record<ProviderKind, ChatAdapter>>;
}

export function createAdapters({ outbound, config }: AdapterDependencies): Adapters {
  const limits = {
    totalMs: config.UPSTREAM_TOTAL_TIMEOUT,
    firstByteMs: config.UPSTREAM_FIRST_BYTE_TIMEOUT,
    idleMs: config.UPSTREAM_IDLE_TIMEOUT,
  };
  const client = createOpenAiClient(outbound.fetchFor(limits), limits.totalMs);
  return {
    chat: {
      openai: createChatAdapter(client, OPENAI_DIALECT),
      dashscope: createChatAdapter(client, DASHSCOPE_DIALECT),
      ark: createChatAdapter(client, ARK_DIALECT),
    },
  };
}
