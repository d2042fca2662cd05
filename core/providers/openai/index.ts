/** Everything that speaks OpenAI's interface: OpenAI itself and every host that no other vendor owns. */
import type { Vendor } from '../provider.ts';
import { createAudioAdapter } from './audio.ts';
import { createChatAdapter } from './chat.ts';
import { createEmbeddingAdapter } from './embeddings.ts';
import { classifyOpenAi } from './errors.ts';
import { createOpenAiImages } from './images.ts';
import { createModerationAdapter } from './moderations.ts';
import { createRerankAdapter } from './rerank.ts';

const asItIs = (urlBase: string): string => urlBase;

export const openai: Vendor = {
  modelsBase: asItIs,
  severalBases: false,
  chat: ({ chat }) => createChatAdapter(chat, { base: asItIs, classify: classifyOpenAi }),
  images: ({ images, readImage }) => createOpenAiImages(images, readImage),
  embeddings: ({ embeddings }) => createEmbeddingAdapter(embeddings, { base: asItIs, classify: classifyOpenAi }),
  // What is spoken or heard is done before the answer begins, as images are.
  audio: ({ images }) => createAudioAdapter(images, { base: asItIs, classify: classifyOpenAi }),
  moderation: ({ plain }) => createModerationAdapter(plain),
  rerank: ({ plain }) =>
    createRerankAdapter(plain, { place: ({ urlBase }) => ({ urlBase, path: '/rerank' }), classify: classifyOpenAi }),
};
