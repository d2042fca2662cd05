/** What is to be embedded, as clients of OpenAI write it, checked and brought into the gateway's words. Pure. */
import { z } from 'zod';
import { inputsOf } from '../../core/providers/openai/embeddings.ts';
import type { EmbeddingRequest } from '../../core/providers/provider.ts';
import { invalid } from '../../infra/errors.ts';
import { passedFields } from './request-policy.ts';

/** OpenAI takes as many. */
const MOST_INPUTS = 2_048;
/** Of one text given as tokens; no model takes more. */
const MOST_TOKENS = 100_000;
/** Of all vectors together, where the request says their length: 2,048 of 4,096. */
const MOST_NUMBERS = 2_048 * 4_096;
/** As large as a body. */
const MOST_CHARACTERS = 20 * 1024 * 1024;
const INPUT_FORMS = `must be a text, a list of 1 to ${MOST_INPUTS} texts, or either as numbers of tokens; no text may be empty`;

const text = z.string().min(1).max(MOST_CHARACTERS);
const tokens = z.array(z.number().int().min(0)).min(1).max(MOST_TOKENS);
export const embeddingFields = {
  input: z
    .union([text, z.array(text).min(1).max(MOST_INPUTS), tokens, z.array(tokens).min(1).max(MOST_INPUTS)], {
      error: INPUT_FORMS,
    })
    .describe('One text or several, or each as the numbers of its tokens'),
  encoding_format: z
    .enum(['float', 'base64'])
    .nullish()
    .describe('Numbers, the default, or 32-bit floats (little-endian) as base64'),
};
const fields = z.looseObject(embeddingFields);

/** @throws {AppError} naming each field that a caller may not set. */
export function embeddingRequest(asked: z.output<typeof fields>): EmbeddingRequest {
  const { input, encoding_format: encoding, ...rest } = asked;
  const { dimensions } = rest;
  const texts = inputsOf(input).length;
  if (typeof dimensions === 'number' && texts * dimensions > MOST_NUMBERS) {
    const message = `asks for ${texts} vectors of ${dimensions} numbers; all together may have ${MOST_NUMBERS}`;
    throw invalid([{ path: 'input', message }]);
  }
  return { input, encoding: encoding ?? 'float', extra: passedFields(rest) };
}

/** The same of a body that nobody has looked at. */
export function embeddingRequestIn(body: Readonly<Record<string, unknown>>): EmbeddingRequest {
  const parsed = fields.safeParse(body);
  if (parsed.success) return embeddingRequest(parsed.data);
  throw invalid(parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })));
}
