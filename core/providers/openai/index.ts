/** Everything that speaks OpenAI's interface: OpenAI itself and every host that no other vendor owns. */
import { isAskedAsResponse } from '../needs.ts';
import type { ChatBody, UpstreamTarget, Vendor } from '../provider.ts';
import { createAudioAdapter } from './audio.ts';
import { createChatAdapter } from './chat.ts';
import { createEmbeddingAdapter } from './embeddings.ts';
import { classifyOpenAi } from './errors.ts';
import { createOpenAiImages } from './images.ts';
import { createModerationAdapter } from './moderations.ts';
import { createRerankAdapter } from './rerank.ts';
import { createResponsesAdapter } from './responses.ts';

const asItIs = (urlBase: string): string => urlBase;

export const openai: Vendor = {
  modelsBase: asItIs,
  severalBases: false,
  documents: ['pdf', 'other'],
  chat: ({ chat }) => {
    const dialect = { base: asItIs, classify: classifyOpenAi };
    const chats = createChatAdapter(chat, dialect);
    const responses = createResponsesAdapter(chat, dialect);
    const adapterFor = (target: UpstreamTarget, body: ChatBody) =>
      isAskedAsResponse(target, body) ? responses : chats;
    return {
      complete: (target, body, context) => adapterFor(target, body).complete(target, body, context),
      stream: (target, body, context) => adapterFor(target, body).stream(target, body, context),
    };
  },
  images: ({ images, readImage }) => createOpenAiImages(images, readImage),
  embeddings: ({ embeddings }) => createEmbeddingAdapter(embeddings, { base: asItIs, classify: classifyOpenAi }),
  // What is spoken or heard is done before the answer begins, as images are.
  audio: ({ images }) => createAudioAdapter(images, { base: asItIs, classify: classifyOpenAi }),
  moderation: ({ plain }) => createModerationAdapter(plain),
  rerank: ({ plain }) =>
    createRerankAdapter(plain, { place: ({ urlBase }) => ({ urlBase, path: '/rerank' }), classify: classifyOpenAi }),
};
