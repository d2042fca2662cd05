/**
 * Chat over OpenAI's interface, whole and streamed; a vendor that speaks it with an accent gives a dialect. What came is
 * read as what it is, whatever was asked for.
 */
import { isJsonObject, type JsonObject, parseJson } from '../../../infra/json-object.ts';
import type { OutboundAnswer } from '../../../infra/outbound.ts';
import { CompletionAssembler } from '../completion.ts';
import { type Classify, headerIn, refused, UpstreamFailure } from '../failure.ts';
import { finishReasonIn } from '../finish-reasons.ts';
import { listIn, readableMessage, textIn } from '../message.ts';
import type {
  CallContext,
  ChatAdapter,
  ChatAnswer,
  ChatBody,
  ChatChunk,
  UpstreamTarget,
  VendorClients,
} from '../provider.ts';
import { isPlainStop, withReadableCalls } from '../tool-calls.ts';
import { usageOfAnswer } from '../usage.ts';
import { type Call, readText } from './client.ts';
import { isErrorBody, refusalOf } from './errors.ts';
import { pageInstead } from './event-reader.ts';
import { withHead } from './readable-chunks.ts';
import { checkChoices, type ExpectedAnswer, readChunks } from './stream.ts';

export interface ChatDialect {
  /** The base that has /chat/completions, from the provider's base. */
  readonly base: (urlBase: string) => string;
  readonly classify: Classify;
}

const PATH = '/chat/completions';

export function createChatAdapter(clientFor: VendorClients['chat'], dialect: ChatDialect): ChatAdapter {
  const callOf = (target: { urlBase: string; apiKey: string }, signal: AbortSignal): Call => ({
    urlBase: dialect.base(target.urlBase),
    apiKey: target.apiKey,
    signal,
    classify: dialect.classify,
  });

  const stream = async (target: UpstreamTarget, body: ChatBody, context: CallContext) => {
    const call = callOf(target, context.signal);
    const answer = await clientFor(target).post(call, PATH, {
      ...body,
      model: target.model,
      stream: true,
      stream_options: { ...(isJsonObject(body.stream_options) ? body.stream_options : {}), include_usage: true },
    });
    return readChunks(answer.stream, call, expectedOf(target, body, context), answer.discard);
  };

  return {
    complete: async (target, body, context) => {
      if (target.onlyStreams) return assembled(await stream(target, body, context));
      const call = callOf(target, context.signal);
      const answer = await clientFor(target).post(call, PATH, { ...body, model: target.model });
      return answerOf(await readText(answer, call), answer, call, expectedOf(target, body, context));
    },
    stream,
  };
}

async function assembled(chunks: AsyncIterable<ChatChunk>): Promise<ChatAnswer> {
  const assembler = new CompletionAssembler();
  for await (const chunk of chunks) assembler.addChunk(chunk);
  return { completion: assembler.completion(), usage: assembler.usage() };
}

function expectedOf({ model }: UpstreamTarget, { n }: ChatBody, { requestId }: CallContext): ExpectedAnswer {
  const head = { id: `chatcmpl-${requestId}`, created: Math.floor(Date.now() / 1000), model };
  return { choices: typeof n === 'number' ? n : 1, head };
}

/** @throws {UpstreamFailure} for an answer that is none: an error under 200, a page, no JSON, no choices. */
async function answerOf(
  text: string,
  answer: OutboundAnswer,
  call: Call,
  expected: ExpectedAnswer,
): Promise<ChatAnswer> {
  const body = parseJson(text);
  if (isErrorBody(body)) {
    throw refused(refusalOf(answer.status, body, answer.headers), call.classify, call.apiKey);
  }
  if (!isJsonObject(body) || isChunk(body)) return streamedAnswer(text, answer, call, expected);
  const choices = (Array.isArray(body.choices) ? body.choices : []).filter(isJsonObject);
  if (choices.length === 0) throw senseless("the provider's answer has no choices", answer);
  checkChoices(choices.length, expected.choices);
  const whole = withHead(body, expected.head, 'chat.completion');
  return { completion: { ...whole, choices: choices.map(readableChoice) }, usage: usageOfAnswer(body) };
}

function isChunk({ choices }: JsonObject): boolean {
  const [first] = Array.isArray(choices) ? choices : [];
  return isJsonObject(first) && first.message === undefined && isJsonObject(first.delta);
}

function readableChoice(choice: JsonObject, at: number): JsonObject {
  const { message, finish_reason: reason, index } = choice;
  const readable = isJsonObject(message) ? withRole(withReadableCalls(readableMessage(message))) : message;
  const hasCalls = isJsonObject(message) && listIn(message.tool_calls).length > 0;
  const reported = finishReasonIn(choice) ?? 'stop';
  const finishReason = hasCalls && isPlainStop(reported) ? 'tool_calls' : reported;
  if (readable === message && finishReason === reason && typeof index === 'number') return choice;
  return { ...choice, index: typeof index === 'number' ? index : at, message: readable, finish_reason: finishReason };
}

function withRole(message: JsonObject): JsonObject {
  return textIn(message.role) === '' ? { ...message, role: 'assistant' } : message;
}

/** Some servers stream whatever is asked for. */
async function streamedAnswer(
  text: string,
  answer: OutboundAnswer,
  call: Call,
  expected: ExpectedAnswer,
): Promise<ChatAnswer> {
  if (/^\s*</.test(text)) throw pageInstead();
  if (!/^\s*(\{|(data|event|id|retry)?:)/.test(text)) {
    throw senseless("the provider's answer is no JSON object", answer);
  }
  return assembled(readChunks(onePiece(text), call, expected));
}

async function* onePiece(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

function senseless(message: string, { status, headers }: OutboundAnswer): UpstreamFailure {
  const requestId = headerIn(headers, 'x-request-id');
  const details = { status, ...(requestId === undefined ? {} : { upstreamRequestId: requestId }) };
  return new UpstreamFailure('transient', message, details);
}
