/** Everything that speaks OpenAI's interface: OpenAI itself and every host that no other vendor owns. */
import type { Vendor } from '../provider.ts';
import { createChatAdapter } from './chat.ts';
import { createEmbeddingAdapter } from './embeddings.ts';
import { classifyOpenAi } from './errors.ts';
import { createOpenAiImages } from './images.ts';

const asItIs = (urlBase: string): string => urlBase;

export const openai: Vendor = {
  modelsBase: asItIs,
  severalBases: false,
  chat: ({ chat }) => createChatAdapter(chat, { base: asItIs, classify: classifyOpenAi }),
  images: ({ images, readImage }) => createOpenAiImages(images, readImage),
  embeddings: ({ embeddings }) => createEmbeddingAdapter(embeddings, { base: asItIs, classify: classifyOpenAi }),
};
