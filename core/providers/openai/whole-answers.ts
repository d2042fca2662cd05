/** Answers in one piece, whatever they are an answer to. */
import { isJsonObject, type JsonObject, parseJson } from '../../../infra/json-object.ts';
import type { OutboundAnswer } from '../../../infra/outbound.ts';
import { refused, UpstreamFailure } from '../failure.ts';
import { type Call, readText } from './client.ts';
import { isErrorBody, refusalOf } from './errors.ts';
import { pageInstead } from './event-reader.ts';

/** @throws {UpstreamFailure} for an error under 200, a page, and what is no JSON object. */
export async function readObject(answer: OutboundAnswer, call: Call): Promise<JsonObject> {
  return objectIn(await readText(answer, call), answer, call);
}

/** The same of an answer that has been read. @throws {UpstreamFailure} */
export function objectIn(text: string, answer: OutboundAnswer, call: Call): JsonObject {
  const body = parseJson(text);
  if (isErrorBody(body)) throw refused(refusalOf(answer.status, body, answer.headers), call.classify, call.apiKey);
  if (isJsonObject(body)) return body;
  if (/^\s*</.test(text)) throw pageInstead();
  throw new UpstreamFailure('transient', "the provider's answer is no JSON object", { status: answer.status });
}
