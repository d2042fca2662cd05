/** POST …/rerank of every vendor: scores by the words that query and document share, in the vendor's own form. */
import { z } from 'zod';
import { countTokens } from '../../infra/tokens.ts';
import type { Call } from '../call.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import { replyJson } from '../reply.ts';

/** `flat` is Jina's; Cohere's models count search units; DashScope's native call has `input` and `output`. */
export type RerankForm = 'flat' | 'native';

const MODEL = /rerank/i;
const COHERE_MODEL = /^rerank-v\d/;
const MOST_DOCUMENTS = 1_000;

const document = z.union([z.string(), z.object({ text: z.string() })]);
const fields = {
  query: z.string().min(1),
  documents: z.array(document).min(1).max(MOST_DOCUMENTS),
};
const wanted = { top_n: z.number().int().min(1).optional(), return_documents: z.boolean().default(false) };
const flatSchema = z.object({ ...fields, ...wanted });
const nativeSchema = z.object({
  input: z.object(fields),
  parameters: z.object(wanted).default({ return_documents: false }),
});

export async function answerRerank(call: Call, form: RerankForm): Promise<void> {
  const { vendor, model, faults } = call;
  if (!MODEL.test(model)) {
    throw vendor.error('model_not_found', `The model '${model}' does not exist or does not rerank`);
  }
  const { query, documents, top_n: topN = documents.length, return_documents: returns } = requestOf(call, form);
  const texts = documents.map((one) => (typeof one === 'string' ? one : one.text));
  const counts = texts.map(countTokens);
  const promptTokens = counts.reduce((sum, count) => sum + count, countTokens(query) * texts.length);
  const searchUnits = Math.ceil(counts.reduce((sum, count) => sum + Math.max(1, Math.ceil(count / 500)), 0) / 100);
  const results = texts
    .map((text, index) => ({
      index,
      relevance_score: likeness(query, text),
      ...(returns ? { document: { text } } : {}),
    }))
    .sort((a, b) => b.relevance_score - a.relevance_score)
    .slice(0, faults.has('empty') || faults.has('no-choices') ? 0 : topN);
  const isCohere = COHERE_MODEL.test(model);
  const usage = { promptTokens, completionTokens: 0, reasoningTokens: 0, cachedTokens: 0, images: 0 };
  const counted = isCohere ? { ...usage, promptTokens: 0, searchUnits } : usage;
  const reported = reportedUsage({ prompt_tokens: promptTokens, total_tokens: promptTokens }, usage, faults);
  const ofUsage = reported ? { usage: reported } : {};
  const id = call.requestId;
  replyJson(
    call,
    form === 'native'
      ? { output: { results }, ...ofUsage, request_id: id }
      : isCohere
        ? { id, results, meta: { api_version: { version: '2' }, billed_units: { search_units: searchUnits } } }
        : { id, model, object: 'list', results, ...ofUsage },
    { usage: counted, tokens: 0, images: 0 },
  );
}

function requestOf({ vendor, body }: Call, form: RerankForm) {
  const parsed = form === 'native' ? nativeSchema.safeParse(body) : flatSchema.safeParse(body);
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.') ?? 'documents';
    throw vendor.error('bad_request', `'$.${field}' is invalid. Please check the API reference.`, field);
  }
  return 'input' in parsed.data ? { ...parsed.data.input, ...parsed.data.parameters } : parsed.data;
}

/** Between 0 and 1: the share of the query's words that the text has. */
function likeness(query: string, text: string): number {
  const words = wordsOf(query);
  const found = wordsOf(text);
  const shared = [...words].filter((word) => found.has(word)).length;
  return Math.round((shared / Math.max(1, words.size)) * 1e6) / 1e6;
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/\p{L}+/gu) ?? []);
}
