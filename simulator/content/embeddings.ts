/** POST …/embeddings of every vendor: vectors that depend on the text alone, of length 1 as real ones have. */
import { z } from 'zod';
import { countTokens } from '../../infra/tokens.ts';
import type { Call } from '../call.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import { replyJson } from '../reply.ts';
import { hashText, seededRandom } from './seeded-random.ts';

/** What vendors differ in. */
export interface EmbeddingVendor {
  /** Texts of one call. */
  readonly mostInputs: number;
  /** Whether base64 is given where it is asked for; others give numbers all the same. */
  readonly takesBase64: boolean;
}

const MODEL = /embedding|bge|jina/i;
const USUAL_DIMENSIONS = 1_536;
const CONTEXT_TOKENS = 8_192;

const tokens = z.array(z.number().int().min(0)).min(1);
const requestSchema = z.object({
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1), tokens, z.array(tokens).min(1)]),
  encoding_format: z.enum(['float', 'base64']).default('float'),
  dimensions: z.number().int().min(1).max(4_096).default(USUAL_DIMENSIONS),
});

export async function answerEmbeddings(call: Call, { mostInputs, takesBase64 }: EmbeddingVendor): Promise<void> {
  if (!MODEL.test(call.model)) {
    throw call.vendor.error('model_not_found', `The model '${call.model}' does not exist or makes no embeddings`);
  }
  const { data: request, error } = requestSchema.safeParse(call.body);
  if (!request) {
    const field = String(error.issues[0]?.path[0] ?? 'input');
    throw call.vendor.error('bad_request', `'$.${field}' is invalid. Please check the API reference.`, field);
  }
  const inputs = inputsOf(request.input);
  if (inputs.length > mostInputs) {
    throw call.vendor.error(
      'bad_request',
      `batch size is invalid, it should not be larger than ${mostInputs}`,
      'input',
    );
  }
  const counts = inputs.map((one) => (typeof one === 'string' ? countTokens(one) : one.length));
  if (counts.some((count) => count > CONTEXT_TOKENS)) throw call.vendor.error('context_exceeded');
  const promptTokens = counts.reduce((sum, count) => sum + count, 0);
  const usage = { promptTokens, completionTokens: 0, reasoningTokens: 0, cachedTokens: 0, images: 0 };
  const asBase64 = takesBase64 && request.encoding_format === 'base64';
  const vectors = inputs.map((one, index) => {
    const vector = vectorOf(`${call.model} ${JSON.stringify(one)}`, request.dimensions);
    return { object: 'embedding', index, embedding: asBase64 ? base64Of(vector) : vector };
  });
  const given = call.faults.has('partial') ? vectors.slice(0, -1) : vectors;
  const data = call.faults.has('empty') || call.faults.has('no-choices') ? [] : given;
  const reported = reportedUsage({ prompt_tokens: promptTokens, total_tokens: promptTokens }, usage, call.faults);
  const body = { object: 'list', data, model: call.model, ...(reported ? { usage: reported } : {}) };
  replyJson(call, body, { usage, tokens: 0, images: 0 });
}

function inputsOf(input: z.output<typeof requestSchema>['input']): (string | number[])[] {
  if (typeof input === 'string') return [input];
  const numbers = input.filter((one) => typeof one === 'number');
  return numbers.length > 0 ? [numbers] : input.filter((one) => typeof one !== 'number');
}

function vectorOf(text: string, dimensions: number): number[] {
  const random = seededRandom(hashText(text));
  const raw = Array.from({ length: dimensions }, () => random() * 2 - 1);
  const length = Math.hypot(...raw);
  return raw.map((value) => Math.fround(value / length));
}

function base64Of(vector: readonly number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64');
}
