/** DashScope's paths: native image calls and tasks under /api/v1, chat under /compatible-mode/v1. */
import type { Call } from '../call.ts';
import { answerEmbeddings, type EmbeddingVendor } from '../content/embeddings.ts';
import { answerRerank } from '../content/rerank.ts';
import { replyJson } from '../reply.ts';
import type { Route } from '../routes.ts';
import { type Shared, vendorRoute } from '../serve-call.ts';
import { answerChat } from './chat.ts';
import { CHAT_MODELS } from './chat-models.ts';
import { DASHSCOPE, DASHSCOPE_COMPATIBLE } from './errors.ts';
import type { CallName } from './image-models.ts';
import { answerSync, submitTask } from './images.ts';
import { cancelTask, fetchTask, listTasks } from './task-routes.ts';
import { Tasks } from './tasks.ts';

const AIGC = '/api/v1/services/aigc';

/** Of text-embedding-v3 and v4. */
const EMBEDDINGS: EmbeddingVendor = { mostInputs: 10, takesBase64: false };

export function dashscopeRoutes(shared: Shared): Route[] {
  const tasks = new Tasks();
  const submission = (path: string, name: CallName) =>
    vendorRoute(shared, DASHSCOPE, 'POST', `${AIGC}/${path}`, (call: Call) =>
      submitTask(call, name, tasks, (images) => shared.journal.addImages(call.record, images)),
    );
  return [
    vendorRoute(shared, DASHSCOPE, 'POST', `${AIGC}/multimodal-generation/generation`, answerSync),
    submission('image-generation/generation', 'G'),
    submission('text2image/image-synthesis', 'T'),
    submission('image2image/image-synthesis', 'I'),
    vendorRoute(shared, DASHSCOPE, 'GET', '/api/v1/tasks', (call) => listTasks(call, tasks)),
    vendorRoute(shared, DASHSCOPE, 'GET', '/api/v1/tasks/:task', (call) => fetchTask(call, tasks)),
    vendorRoute(shared, DASHSCOPE, 'POST', '/api/v1/tasks/:task/cancel', (call) => cancelTask(call, tasks), {
      free: true,
    }),
    vendorRoute(shared, DASHSCOPE_COMPATIBLE, 'POST', '/compatible-mode/v1/chat/completions', answerChat),
    vendorRoute(shared, DASHSCOPE_COMPATIBLE, 'POST', '/compatible-mode/v1/embeddings', (call) =>
      answerEmbeddings(call, EMBEDDINGS),
    ),
    vendorRoute(shared, DASHSCOPE, 'POST', '/api/v1/services/rerank/text-rerank/text-rerank', (call) =>
      answerRerank(call, 'native'),
    ),
    vendorRoute(shared, DASHSCOPE_COMPATIBLE, 'POST', '/compatible-api/v1/reranks', (call) =>
      answerRerank(call, 'flat'),
    ),
    vendorRoute(shared, DASHSCOPE_COMPATIBLE, 'GET', '/compatible-mode/v1/models', async (call) => {
      const data = Object.keys(CHAT_MODELS).map((id) => ({
        id,
        object: 'model',
        created: 1_700_000_000,
        owned_by: 'system',
      }));
      replyJson(call, { object: 'list', data });
    }),
  ];
}
