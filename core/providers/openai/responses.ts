/**
 * Chat with models that are offered by OpenAI's /responses alone, or take tools while they think only there: the chat is
 * asked as a response that the provider does not keep, and what comes is read as a chat.
 */
import { isJsonObject, type JsonObject as Json, parseJson, withoutMark } from '../../../infra/json-object.ts';
import { type AnswerHeaders, refused, UpstreamFailure } from '../failure.ts';
import { listIn, textIn } from '../message.ts';
import { NOT_IN_RESPONSES } from '../needs.ts';
import type { CallContext, ChatAdapter, ChatBody, ChatChunk, UpstreamTarget, VendorClients } from '../provider.ts';
import { usageOfAnswer } from '../usage.ts';
import type { ChatDialect } from './chat.ts';
import { type Call, readText } from './client.ts';
import { isErrorBody, refusalOf } from './errors.ts';
import type { AnswerHead } from './readable-chunks.ts';
import { readStream, type StreamReading } from './stream.ts';

const PATH = '/responses';

export function createResponsesAdapter(clientFor: VendorClients['chat'], dialect: ChatDialect): ChatAdapter {
  const ask = async (target: UpstreamTarget, body: ChatBody, { signal }: CallContext, more: Json) => {
    const { base, classify } = dialect;
    const call: Call = { urlBase: base(target.urlBase), apiKey: target.apiKey, signal, classify };
    const request = { ...responseRequest(body), model: target.model, store: false, ...more };
    return { call, response: await clientFor(target).post(call, PATH, request) };
  };
  return {
    complete: async (target, body, context) => {
      const { call, response } = await ask(target, body, context, {});
      const answer = parseJson(withoutMark(await readText(response, call)));
      checkAnswer(answer, call, response.headers);
      if (!isJsonObject(answer) || !Array.isArray(answer.output)) throw senseless('is no response');
      return { completion: completionOf(answer, headOf(target, context)), usage: usageOfAnswer(answer) };
    },
    stream: async (target, body, context) => {
      const { call, response } = await ask(target, body, context, { stream: true });
      const reading = new ResponseReading(call, headOf(target, context));
      return readStream(response.stream, call.signal, reading, response.discard);
    },
  };
}

function headOf({ model }: UpstreamTarget, { requestId }: CallContext): AnswerHead {
  return { id: `chatcmpl-${requestId}`, created: Math.floor(Date.now() / 1000), model };
}

function senseless(what: string): UpstreamFailure {
  return new UpstreamFailure('transient', `the provider's answer ${what}`, { status: 200 });
}

/** @throws {UpstreamFailure} for an error, also of a response that has failed. */
function checkAnswer(answer: unknown, call: Call, headers?: AnswerHeaders): void {
  if (isErrorBody(answer)) throw refused(refusalOf(200, answer, headers), call.classify, call.apiKey);
}

/** What responses have under another name, or not at all. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  ...['messages', 'max_tokens', 'max_completion_tokens', 'reasoning_effort', 'response_format', 'verbosity', 'tools'],
  ...['tool_choice', 'logprobs', 'stream', 'stream_options'],
  ...NOT_IN_RESPONSES,
]);

function responseRequest(body: ChatBody): Json {
  const { response_format: format, tool_choice: choice, verbosity, reasoning_effort: effort } = body;
  const limit = body.max_completion_tokens ?? body.max_tokens;
  const text = { ...(format === undefined ? {} : { format: formatOf(format) }), ...(verbosity ? { verbosity } : {}) };
  return {
    ...Object.fromEntries(Object.entries(body).filter(([name]) => !NOT_PASSED_ON.has(name))),
    input: body.messages.flatMap(itemsOf),
    ...(limit === undefined ? {} : { max_output_tokens: limit }),
    ...(effort === undefined ? {} : { reasoning: { effort } }),
    ...(Object.keys(text).length === 0 ? {} : { text }),
    ...(Array.isArray(body.tools) ? { tools: body.tools.map(flatTool) } : {}),
    ...(choice === undefined ? {} : { tool_choice: isJsonObject(choice) ? flatTool(choice) : choice }),
    ...(body.logprobs === true ? { include: ['message.output_text.logprobs'] } : {}),
  };
}

/** `{type, function: {…}}` of a chat has its members beside the type. */
function flatTool(tool: unknown): unknown {
  if (!isJsonObject(tool) || !isJsonObject(tool.function)) return tool;
  return { type: 'function', ...tool.function };
}

function formatOf(format: unknown): unknown {
  if (!isJsonObject(format) || !isJsonObject(format.json_schema)) return format;
  return { type: 'json_schema', ...format.json_schema };
}

function itemsOf(message: unknown): Json[] {
  if (!isJsonObject(message)) return [];
  const { role, content, tool_call_id: callId, tool_calls: calls } = message;
  if (role === 'tool') return [{ type: 'function_call_output', call_id: callId, output: textOfContent(content) }];
  if (role !== 'assistant') return [{ type: 'message', role, content: inputParts(content) }];
  const text = textOfContent(content);
  const said = text === '' ? [] : [{ type: 'message', role, content: [{ type: 'output_text', text }] }];
  return [...said, ...listIn(calls).flatMap(callItem)];
}

function callItem(call: unknown): Json[] {
  if (!isJsonObject(call) || !isJsonObject(call.function)) return [];
  const { name, arguments: text } = call.function;
  return [{ type: 'function_call', call_id: call.id, name, arguments: text }];
}

function textOfContent(content: unknown): string {
  if (typeof content === 'string') return content;
  return listIn(content)
    .map((part) => (isJsonObject(part) ? textIn(part.text) : ''))
    .join('\n\n');
}

function inputParts(content: unknown): unknown {
  if (!Array.isArray(content)) return textIn(content);
  return content.map((part: unknown) => {
    if (!isJsonObject(part)) return part;
    const { url, detail } = isJsonObject(part.image_url) ? part.image_url : {};
    if (url === undefined) return { type: 'input_text', text: textIn(part.text) };
    return { type: 'input_image', image_url: url, ...(detail === undefined ? {} : { detail }) };
  });
}

function completionOf(answer: Json, { created, ...head }: AnswerHead): Json {
  const items = listIn(answer.output).filter(isJsonObject);
  const parts = (name: string) => items.flatMap((item) => listIn(item[name])).filter(isJsonObject);
  const joined = (from: readonly Json[], type: string, field: string) =>
    from.map((part) => (part.type === type ? textIn(part[field]) : '')).join('');
  const thoughts = joined(parts('summary'), 'summary_text', 'text');
  const refusal = joined(parts('content'), 'refusal', 'refusal');
  const calls = items.flatMap((item) => (item.type === 'function_call' ? [chatCall(item)] : []));
  const message = {
    role: 'assistant',
    content: joined(parts('content'), 'output_text', 'text'),
    ...(thoughts === '' ? {} : { reasoning_content: thoughts }),
    ...(refusal === '' ? {} : { refusal }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
  const finish_reason = finishReasonOf(answer, calls.length > 0);
  const choices = [{ index: 0, message, finish_reason }];
  return { ...head, object: 'chat.completion', created, choices, usage: chatUsage(answer.usage) };
}

function chatCall({ call_id: id, name, arguments: text }: Json): Json {
  return { id, type: 'function', function: { name, arguments: text } };
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
class ResponseReading implements StreamReading {
  readonly #call: Call;
  readonly #head: AnswerHead;
  /** Numbers of the calls of tools by the places of their items. */
  readonly #calls = new Map<unknown, number>();
  #hasRole = false;
  hasFinished = false;

  constructor(call: Call, head: AnswerHead) {
    this.#call = call;
    this.#head = head;
  }

  take(event: string | undefined, data: string): ChatChunk | undefined {
    const body = parseJson(data);
    if (this.hasFinished) return undefined;
    if (!isJsonObject(body)) {
      if (!data.trimStart().startsWith('{')) return undefined;
      throw new UpstreamFailure('transient', 'the provider sent an event that is no JSON object', { status: 200 });
    }
    checkAnswer(body, this.#call);
    const response = isJsonObject(body.response) ? body.response : {};
    checkAnswer(response, this.#call);
    const { delta, output_index: place, item } = body;
    switch (textIn(body.type) || event) {
      case 'response.output_text.delta':
        return this.#chunk({ content: delta });
      case 'response.refusal.delta':
        return this.#chunk({ refusal: delta });
      case 'response.reasoning_summary_text.delta':
      case 'response.reasoning_text.delta':
        return this.#chunk({ reasoning_content: delta });
      case 'response.output_item.added':
        return isJsonObject(item) && item.type === 'function_call' ? this.#callBegun(item, place) : undefined;
      case 'response.function_call_arguments.delta':
        return this.#chunk({ tool_calls: [{ index: this.#calls.get(place) ?? 0, function: { arguments: delta } }] });
      case 'response.completed':
      case 'response.incomplete':
        this.hasFinished = true;
        return this.#chunk({}, finishReasonOf(response, this.#calls.size > 0), chatUsage(response.usage));
      default:
        return undefined;
    }
  }

  end(): undefined {
    if (this.hasFinished) return;
    throw new UpstreamFailure('transient', "the provider's stream was cut off", { status: 200 });
  }

  #callBegun({ call_id: id, name }: Json, place: unknown): ChatChunk {
    const index = this.#calls.size;
    this.#calls.set(place, index);
    return this.#chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] });
  }

  #chunk(said: Json, finish_reason: string | null = null, usage?: unknown): ChatChunk {
    const delta = this.#hasRole ? said : { role: 'assistant', ...said };
    this.#hasRole = true;
    const choices = [{ index: 0, delta, finish_reason }];
    const body = { ...this.#head, object: 'chat.completion.chunk', choices, ...(usage ? { usage } : {}) };
    return { data: JSON.stringify(body), body };
  }
}
