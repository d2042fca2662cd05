/** Alibaba's DashScope: chat in its compatible mode, images over its native interface. */
import { createChatAdapter } from '../openai/chat.ts';
import { createEmbeddingAdapter } from '../openai/embeddings.ts';
import type { Vendor } from '../provider.ts';
import { createDashScopeImages } from './images.ts';
import { classifyDashScope, compatibleBase } from './native-call.ts';
import { createDashScopeRerank } from './rerank.ts';

const HOST = /^dashscope(-[a-z]+)?\.aliyuncs\.com$/;

export const dashscope: Vendor = {
  ownsHost: (hostname) => HOST.test(hostname) || hostname.endsWith('.maas.aliyuncs.com'),
  imageModels: /^(wan|qwen)/i,
  // Models are listed on the compatible side only.
  modelsBase: compatibleBase,
  severalBases: true,
  chat: ({ chat }) => createChatAdapter(chat, { base: compatibleBase, classify: classifyDashScope }),
  images: ({ outbound, imageLimits }) => createDashScopeImages({ outbound, limits: imageLimits }),
  embeddings: ({ embeddings }) =>
    createEmbeddingAdapter(embeddings, { base: compatibleBase, classify: classifyDashScope }),
  rerank: createDashScopeRerank,
};
