/** Pictures of Ark (PROVIDERS.md, 3.2). */
import { isJsonObject, type JsonObject } from '../../../infra/json-object.ts';
import { deliveredImage } from '../delivered-image.ts';
import { refused, UpstreamFailure } from '../failure.ts';
import type { Call, OpenAiClient } from '../openai/client.ts';
import { isErrorBody, refusalOf } from '../openai/error-body.ts';
import { readImages } from '../openai/images.ts';
import { tokenCount } from '../openai/usage.ts';
import type { ImageAdapter, ImageAnswer } from '../provider.ts';
import { classifyArk } from './errors.ts';
import { arkImageBodies } from './image-request.ts';

export function createArkImages(client: OpenAiClient): ImageAdapter {
  const generateOne = async (call: Call, body: object): Promise<ImageAnswer> => {
    const response = await client.post(call, '/images/generations', body);
    return imageAnswerOf(await readImages(response, call), call);
  };

  return {
    generate: async ({ urlBase, apiKey, model }, request, _tasks, { signal }) => {
      const call: Call = { urlBase, apiKey, signal, classify: classifyArk };
      const bodies = arkImageBodies(request, model);
      return together(await Promise.allSettled(bodies.map((body) => generateOne(call, body))));
    },
  };
}

/** What some of several calls delivered is paid for at the provider, whatever became of the others. */
function together(results: readonly PromiseSettledResult<ImageAnswer>[]): ImageAnswer {
  const answers = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
  const failure = results.find((result) => result.status === 'rejected');
  if (answers.length === 0 && failure) throw failure.reason;
  return {
    images: answers.flatMap(({ images }) => images),
    promptTokens: answers.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    completionTokens: answers.reduce((sum, { completionTokens }) => sum + completionTokens, 0),
  };
}

/** A refused member of a group stands in place of its picture. @throws {UpstreamFailure} when nothing was delivered. */
function imageAnswerOf(body: JsonObject, call: Call): ImageAnswer {
  const members = Array.isArray(body.data) ? body.data.filter(isJsonObject) : [];
  const images = members.map(deliveredImage).filter((image) => image !== undefined);
  if (images.length === 0) {
    const error = members.find(isErrorBody);
    if (error) throw refused(refusalOf(200, error), call.classify, call.apiKey);
    throw new UpstreamFailure('transient', 'the provider delivered no picture', { status: 200 });
  }
  const usage = isJsonObject(body.usage) ? body.usage : {};
  return { images, promptTokens: 0, completionTokens: tokenCount(usage.output_tokens) ?? 0 };
}
