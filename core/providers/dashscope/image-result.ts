/** Pictures out of both layouts of an answer (PROVIDERS.md, 1.3 and 1.4). Pure. */
import { isJsonObject, type JsonObject, textOf } from '../../../infra/json-object.ts';
import { deliveredImage } from '../delivered-image.ts';
import { UpstreamFailure } from '../failure.ts';
import type { ImageAnswer } from '../provider.ts';
import { refusedInside } from './errors.ts';

/**
 * `output.results[]`, or `output.choices[].message.content[]`, where several pictures are several choices or several
 * contents. A result that is a code in place of a picture does not spoil the others.
 * @param body the answer of a synchronous call or of a finished task.
 * @throws {UpstreamFailure} when nothing was delivered.
 */
export function imageAnswerOf(body: JsonObject, apiKey: string): ImageAnswer {
  const output = isJsonObject(body.output) ? body.output : {};
  const results = objectsOf(output.results);
  const contents = objectsOf(output.choices).flatMap(({ message }) =>
    isJsonObject(message) ? objectsOf(message.content) : [],
  );
  const urls = [...results.map(({ url }) => url), ...contents.map(({ image }) => image)];
  const images = urls.map((url) => deliveredImage({ url })).filter((image) => image !== undefined);
  if (images.length === 0) throw nothingDelivered([body, output, ...results], apiKey);
  const actualPrompt = results.map((result) => textOf(result.actual_prompt)).find((text) => text !== undefined);
  // Tokens are reported by some models, and billed by none.
  return { images, ...(actualPrompt === undefined ? {} : { actualPrompt }), promptTokens: 0, completionTokens: 0 };
}

function nothingDelivered(places: readonly JsonObject[], apiKey: string): UpstreamFailure {
  const refusal = places.find(({ code }) => textOf(code) !== undefined);
  if (refusal) return refusedInside(refusal, apiKey);
  return new UpstreamFailure('transient', 'the provider delivered no picture', { status: 200 });
}

function objectsOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
