/** Pictures over OpenAI's interface (PROVIDERS.md, 4.1). */
import { isJsonObject, type JsonObject, parseJson, textOf } from '../../../infra/json-object.ts';
import type { ReadPicture } from '../../images/picture-reader.ts';
import { deliveredImage } from '../delivered-image.ts';
import { refused, UpstreamFailure } from '../failure.ts';
import type { ImageAdapter, ImageAnswer, ImageRequest, UpstreamTarget } from '../provider.ts';
import { type Call, type OpenAiClient, readText } from './client.ts';
import { editForm } from './edit-form.ts';
import { isErrorBody, refusalOf } from './error-body.ts';
import { classifyOpenAi } from './errors.ts';
import { imageFields } from './image-fields.ts';
import { tokenCount } from './usage.ts';

export function createOpenAiImages(client: OpenAiClient, readPicture: ReadPicture): ImageAdapter {
  const send = async (call: Call, target: UpstreamTarget, request: ImageRequest): Promise<Response> => {
    const fields = imageFields(request, target.model);
    if (request.images.length === 0) return client.post(call, '/images/generations', fields);
    const read = (url: string) => readPicture({ url, path: 'image', signal: call.signal });
    return client.post(call, '/images/edits', await editForm(fields, request, read));
  };

  return {
    generate: async (target, request, _tasks, { signal }) => {
      const { urlBase, apiKey } = target;
      const call: Call = { urlBase, apiKey, signal, classify: classifyOpenAi };
      const response = await send(call, target, request);
      return imageAnswerOf(await readImages(response, call));
    },
  };
}

/** The answer in OpenAI's form. @throws {UpstreamFailure} for an error under 200 and for what is no answer. */
export async function readImages(response: Response, call: Call): Promise<JsonObject> {
  const body = parseJson(await readText(response, call));
  const hasPictures = isJsonObject(body) && Array.isArray(body.data) && body.data.length > 0;
  if (isErrorBody(body) && !hasPictures) {
    throw refused(refusalOf(response.status, body, response.headers), call.classify, call.apiKey);
  }
  if (isJsonObject(body)) return body;
  throw new UpstreamFailure('transient', "the provider's answer is no JSON object", { status: response.status });
}

/** @throws {UpstreamFailure} when nothing was delivered. */
function imageAnswerOf(body: JsonObject): ImageAnswer {
  const members = Array.isArray(body.data) ? body.data.filter(isJsonObject) : [];
  const images = members.map(deliveredImage).filter((image) => image !== undefined);
  if (images.length === 0) throw new UpstreamFailure('transient', 'the provider delivered no picture', { status: 200 });
  const usage = isJsonObject(body.usage) ? body.usage : {};
  const actualPrompt = members.map((member) => textOf(member.revised_prompt)).find((text) => text !== undefined);
  return {
    images,
    ...(actualPrompt === undefined ? {} : { actualPrompt }),
    promptTokens: tokenCount(usage.input_tokens) ?? 0,
    completionTokens: tokenCount(usage.output_tokens) ?? 0,
  };
}
