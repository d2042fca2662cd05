/** Answers of OpenAI's /responses read as chats, whole and event by event. */
import { isJsonObject, type JsonObject as Json, parseJson, withoutMark } from '../../../infra/json-object.ts';
import type { OutboundAnswer } from '../../../infra/outbound.ts';
import { type AnswerHeaders, refused, UpstreamFailure } from '../failure.ts';
import { listIn, textIn } from '../message.ts';
import type { CallContext, ChatChunk, UpstreamTarget } from '../provider.ts';
import { type Call, readText } from './client.ts';
import { isErrorBody, refusalOf } from './errors.ts';
import type { AnswerHead } from './readable-chunks.ts';
import type { StreamReading } from './stream.ts';

/** @throws {UpstreamFailure} for an answer that is no response, and for a response that has failed. */
export async function readResponse(answer: OutboundAnswer, call: Call): Promise<{ text: string; response: Json }> {
  const text = withoutMark(await readText(answer, call));
  const response = parseJson(text);
  checkAnswer(response, call, answer.headers);
  if (!isJsonObject(response) || !Array.isArray(response.output)) throw senseless('is no response');
  return { text, response };
}

export function headOf({ model }: UpstreamTarget, { requestId }: CallContext): AnswerHead {
  return { id: `chatcmpl-${requestId}`, created: Math.floor(Date.now() / 1000), model };
}

function senseless(what: string): UpstreamFailure {
  return new UpstreamFailure('transient', `the provider's answer ${what}`, { status: 200 });
}

/** Statuses of a response that has ended and is no answer, whatever it says of an error. */
const FAILED = new Set(['failed', 'cancelled']);

/** @throws {UpstreamFailure} for an error, also of a response that has failed, with what it says that it has used. */
function checkAnswer(answer: unknown, call: Call, headers?: AnswerHeaders): void {
  const isError = isErrorBody(answer);
  const status = isJsonObject(answer) ? textIn(answer.status) : '';
  if (!isError && !FAILED.has(status)) return;
  const usage = isJsonObject(answer) ? chatUsage(answer.usage) : undefined;
  const used = isJsonObject(usage) ? { usage } : {};
  if (!isError)
    throw new UpstreamFailure('transient', `the provider's response is ${status}`, { status: 200, ...used });
  const { failure, message, details } = refused(refusalOf(200, answer, headers), call.classify, call.apiKey);
  throw new UpstreamFailure(failure, message, { ...details, ...used });
}

export function completionOf(answer: Json, { created, ...head }: AnswerHead): Json {
  const items = listIn(answer.output).filter(isJsonObject);
  const parts = (name: string) => items.flatMap((item) => listIn(item[name])).filter(isJsonObject);
  const joined = (from: readonly Json[], type: string, field: string) =>
    from.map((part) => (part.type === type ? textIn(part[field]) : '')).join('');
  const thoughts = joined(parts('summary'), 'summary_text', 'text');
  const refusal = joined(parts('content'), 'refusal', 'refusal');
  const calls = items.flatMap((item) => (isCall(item) ? [chatCall(item)] : []));
  const others = items.filter((item) => !isRead(item));
  const message = {
    role: 'assistant',
    content: joined(parts('content'), 'output_text', 'text'),
    ...(thoughts === '' ? {} : { reasoning_content: thoughts }),
    ...(refusal === '' ? {} : { refusal }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...(others.length === 0 ? {} : { content_parts: others }),
  };
  const finish_reason = finishReasonOf(answer, calls.length > 0);
  const choices = [{ index: 0, message, finish_reason }];
  return { ...head, object: 'chat.completion', created, choices, usage: chatUsage(answer.usage) };
}

function isCall({ type }: Json): boolean {
  return type === 'function_call' || type === 'custom_tool_call';
}

/** Whether a chat has a place for it; all others are what the provider's own tools did. */
function isRead(item: Json): boolean {
  return item.type === 'message' || item.type === 'reasoning' || isCall(item);
}

/** @param call a custom tool is given a text in place of arguments. */
function chatCall({ call_id: id, name, arguments: given, input }: Json): Json {
  return { id, type: 'function', function: { name, arguments: given ?? input } };
}

function finishReasonOf({ status, incomplete_details: details }: Json, hasCalls: boolean): string {
  if (status === 'incomplete') {
    return isJsonObject(details) && details.reason === 'content_filter' ? 'content_filter' : 'length';
  }
  return hasCalls ? 'tool_calls' : 'stop';
}

function chatUsage(usage: unknown): unknown {
  if (!isJsonObject(usage)) return usage;
  const { input_tokens, output_tokens, input_tokens_details, output_tokens_details, total_tokens } = usage;
  return {
    ...{ prompt_tokens: input_tokens, completion_tokens: output_tokens, total_tokens },
    ...{ prompt_tokens_details: input_tokens_details, completion_tokens_details: output_tokens_details },
  };
}

/** Events of a response as chunks of a chat; it has ended with its last event, otherwise it was cut. */
export class ResponseReading implements StreamReading {
  readonly #call: Call;
  readonly #head: AnswerHead;
  readonly #passesOn: boolean;
  /** Numbers of the calls of tools by the places of their items. */
  readonly #calls = new Map<unknown, number>();
  #hasRole = false;
  hasFinished = false;

  /** @param how `as it is`: each event passes with its data, and is only read along. */
  constructor(call: Call, head: AnswerHead, how: 'as a chat' | 'as it is') {
    this.#call = call;
    this.#head = head;
    this.#passesOn = how === 'as it is';
  }

  take(event: string | undefined, data: string): ChatChunk | undefined {
    const body = parseJson(data);
    if (this.hasFinished) return undefined;
    if (!isJsonObject(body)) {
      if (!data.trimStart().startsWith('{')) return undefined;
      throw new UpstreamFailure('transient', 'the provider sent an event that is no JSON object', { status: 200 });
    }
    const type = textIn(body.type) || event || '';
    const response = isJsonObject(body.response) ? body.response : {};
    checkAnswer(type === 'response.failed' ? { ...response, status: 'failed' } : response, this.#call);
    checkAnswer(body, this.#call);
    const said = this.#saidBy(type, body, response);
    // An event without a type is none that a client knows.
    if (this.#passesOn && type !== '') {
      const written = body.type === type ? data : JSON.stringify({ ...body, type });
      return { data: written, body: said ?? this.#chunk() };
    }
    return said === undefined ? undefined : { data: JSON.stringify(said), body: said };
  }

  end(): undefined {
    if (this.hasFinished) return;
    throw new UpstreamFailure('transient', "the provider's stream was cut off", { status: 200 });
  }

  #saidBy(type: string, { delta, output_index: place, item }: Json, response: Json): Json | undefined {
    switch (type) {
      case 'response.output_text.delta':
        return this.#saying({ content: delta });
      case 'response.refusal.delta':
        return this.#saying({ refusal: delta });
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        return this.#saying({ reasoning_content: delta });
      case 'response.output_item.added':
        if (!isJsonObject(item)) return undefined;
        if (isCall(item)) return this.#callBegun(item, place);
        return isRead(item) ? undefined : this.#saying({ content_parts: [item] });
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        return this.#saying({ tool_calls: [{ index: this.#calls.get(place) ?? 0, function: { arguments: delta } }] });
      case 'response.completed':
      case 'response.incomplete':
        this.hasFinished = true;
        return this.#ending(response);
      default:
        return undefined;
    }
  }

  #callBegun({ call_id: id, name }: Json, place: unknown): Json {
    const index = this.#calls.size;
    this.#calls.set(place, index);
    return this.#saying({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] });
  }

  #ending(response: Json): Json {
    const { service_tier: tier } = response;
    const usage = chatUsage(response.usage);
    return {
      ...this.#saying({}, finishReasonOf(response, this.#calls.size > 0)),
      ...(usage ? { usage } : {}),
      ...(typeof tier === 'string' ? { service_tier: tier } : {}),
    };
  }

  #saying(said: Json, finish_reason: string | null = null): Json {
    const delta = this.#hasRole ? said : { role: 'assistant', ...said };
    this.#hasRole = true;
    return this.#chunk([{ index: 0, delta, finish_reason }]);
  }

  #chunk(choices: readonly Json[] = []): Json {
    return { ...this.#head, object: 'chat.completion.chunk', choices };
  }
}
