/** OpenAI's paths. */
import { answerSpeech, answerTranscription } from '../content/audio.ts';
import { answerEmbeddings, type EmbeddingVendor } from '../content/embeddings.ts';
import { answerModeration } from '../content/moderations.ts';
import { answerRerank } from '../content/rerank.ts';
import { replyJson } from '../reply.ts';
import type { Route } from '../routes.ts';
import { type Shared, vendorRoute } from '../serve-call.ts';
import { answerChat } from './chat.ts';
import { OPENAI } from './errors.ts';
import { editImages, generateImages } from './images.ts';
import { findOpenaiModel, modelObject, OPENAI_MODELS } from './models.ts';
import { answerResponses } from './responses.ts';

const EMBEDDINGS: EmbeddingVendor = { mostInputs: 2_048, takesBase64: true };

export function openaiRoutes(shared: Shared): Route[] {
  return [
    vendorRoute(shared, OPENAI, 'POST', '/v1/chat/completions', answerChat),
    vendorRoute(shared, OPENAI, 'POST', '/v1/responses', answerResponses),
    vendorRoute(shared, OPENAI, 'POST', '/v1/images/generations', generateImages),
    vendorRoute(shared, OPENAI, 'POST', '/v1/images/edits', editImages),
    vendorRoute(shared, OPENAI, 'POST', '/v1/embeddings', (call) => answerEmbeddings(call, EMBEDDINGS)),
    vendorRoute(shared, OPENAI, 'POST', '/v1/audio/speech', answerSpeech),
    vendorRoute(shared, OPENAI, 'POST', '/v1/audio/transcriptions', answerTranscription),
    vendorRoute(shared, OPENAI, 'POST', '/v1/moderations', answerModeration),
    vendorRoute(shared, OPENAI, 'POST', '/v1/rerank', (call) => answerRerank(call, 'flat')),
    vendorRoute(shared, OPENAI, 'GET', '/v1/models', async (call) => {
      replyJson(call, { object: 'list', data: Object.keys(OPENAI_MODELS).map(modelObject) });
    }),
    vendorRoute(shared, OPENAI, 'GET', '/v1/models/:model', async (call) => {
      const { model = '' } = call.pathParams;
      if (!findOpenaiModel(model)) {
        throw OPENAI.error('model_not_found', `The model '${model}' does not exist`, 'model');
      }
      replyJson(call, modelObject(model));
    }),
  ];
}
