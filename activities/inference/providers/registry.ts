/** Which adapter serves which kind of provider. */
import type { Config } from '../../../infra/config.ts';
import type { Outbound } from '../../../infra/outbound.ts';
import { OpenAiChat } from './openai/chat.ts';
import type { ChatAdapter, ProviderKind } from './provider.ts';

export type AdapterConfig = Pick<
  Config,
  'UPSTREAM_FIRST_BYTE_TIMEOUT' | 'UPSTREAM_IDLE_TIMEOUT' | 'UPSTREAM_TOTAL_TIMEOUT'
>;

export interface Adapters {
  readonly chat: Readonly<Record<ProviderKind, ChatAdapter>>;
}

export function createAdapters({ outbound, config }: { outbound: Outbound; config: AdapterConfig }): Adapters {
  const openai = new OpenAiChat(
    outbound.fetchFor({
      firstByteMs: config.UPSTREAM_FIRST_BYTE_TIMEOUT,
      idleMs: config.UPSTREAM_IDLE_TIMEOUT,
      totalMs: config.UPSTREAM_TOTAL_TIMEOUT,
    }),
  );
  return { chat: { openai, dashscope: openai, ark: openai } };
}
