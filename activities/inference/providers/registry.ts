/** The adapters of all kinds of providers. */
import type { Config } from '../../../infra/config.ts';
import type { Outbound } from '../../../infra/outbound.ts';
import type { ReadPicture } from '../../images/picture-reader.ts';
import { ARK_DIALECT } from './ark/chat.ts';
import { createArkImages } from './ark/images.ts';
import { withAskedPictures } from './asked-pictures.ts';
import { DASHSCOPE_DIALECT } from './dashscope/chat.ts';
import { createDashScopeImages } from './dashscope/images.ts';
import { createChatAdapter, OPENAI_DIALECT } from './openai/chat.ts';
import { createOpenAiClient } from './openai/client.ts';
import { createOpenAiImages } from './openai/images.ts';
import type { ChatAdapter, ImageAdapter, ProviderKind } from './provider.ts';

export interface AdapterDependencies {
  readonly outbound: Outbound;
  /** For adapters that send a picture's bytes where the caller gave its address. */
  readonly readPicture: ReadPicture;
  readonly config: Pick<Config, 'UPSTREAM_TOTAL_TIMEOUT' | 'UPSTREAM_FIRST_BYTE_TIMEOUT' | 'UPSTREAM_IDLE_TIMEOUT'>;
}

export interface Adapters {
  readonly chat: Readonly<Record<ProviderKind, ChatAdapter>>;
  readonly image: Readonly<Record<ProviderKind, ImageAdapter>>;
}

/** Ten large pictures as base64. */
const MAX_IMAGE_ANSWER_BYTES = 128 * 1024 * 1024;

export function createAdapters({ outbound, readPicture, config }: AdapterDependencies): Adapters {
  const limits = {
    totalMs: config.UPSTREAM_TOTAL_TIMEOUT,
    firstByteMs: config.UPSTREAM_FIRST_BYTE_TIMEOUT,
    idleMs: config.UPSTREAM_IDLE_TIMEOUT,
  };
  const client = createOpenAiClient(outbound.fetchFor(limits));
  // Pictures are made before the answer begins, so its first byte may take as long as all of it.
  const imageLimits = { ...limits, firstByteMs: limits.totalMs, maxBytes: MAX_IMAGE_ANSWER_BYTES };
  const imageClient = createOpenAiClient(outbound.fetchFor(imageLimits));
  return {
    chat: {
      openai: createChatAdapter(client, OPENAI_DIALECT),
      dashscope: createChatAdapter(client, DASHSCOPE_DIALECT),
      ark: createChatAdapter(client, ARK_DIALECT),
    },
    image: {
      openai: withAskedPictures(createOpenAiImages(imageClient, readPicture)),
      dashscope: withAskedPictures(createDashScopeImages({ outbound, limits: imageLimits })),
      ark: withAskedPictures(createArkImages(imageClient)),
    },
  };
}
