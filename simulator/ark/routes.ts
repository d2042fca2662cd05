/** Ark's paths, under /api/v3. */

import { answerEmbeddings, type EmbeddingVendor } from '../content/embeddings.ts';
import { modelObject } from '../openai/models.ts';
import { replyJson } from '../reply.ts';
import type { Route } from '../routes.ts';
import { type Shared, vendorRoute } from '../serve-call.ts';
import { answerChat } from './chat.ts';
import { ARK } from './errors.ts';
import { generateImages } from './images.ts';
import { CHAT_MODELS, IMAGE_MODELS } from './models.ts';

const EMBEDDINGS: EmbeddingVendor = { mostInputs: 256, takesBase64: true };

export function arkRoutes(shared: Shared): Route[] {
  return [
    vendorRoute(shared, ARK, 'POST', '/api/v3/chat/completions', answerChat),
    vendorRoute(shared, ARK, 'POST', '/api/v3/images/generations', generateImages),
    vendorRoute(shared, ARK, 'POST', '/api/v3/embeddings', (call) => answerEmbeddings(call, EMBEDDINGS)),
    vendorRoute(shared, ARK, 'GET', '/api/v3/models', async (call) => {
      const ids = [...Object.keys(CHAT_MODELS), ...Object.keys(IMAGE_MODELS)];
      replyJson(call, { object: 'list', data: ids.map(modelObject) });
    }),
  ];
}
