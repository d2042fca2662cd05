/**
 * Chat with models that are offered by OpenAI's /responses alone, or take tools while they think only there: the chat is
 * asked as a response that the provider does not keep, and what comes is read as a chat.
 */
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { listIn, textIn } from '../message.ts';
import { NOT_IN_RESPONSES } from '../needs.ts';
import type { CallContext, ChatAdapter, ChatBody, UpstreamTarget, VendorClients } from '../provider.ts';
import { usageOfAnswer } from '../usage.ts';
import type { ChatDialect } from './chat.ts';
import type { Call } from './client.ts';
import { completionOf, headOf, ResponseReading, readResponse } from './responses-reading.ts';
import { readStream } from './stream.ts';

export const PATH = '/responses';

export function createResponsesAdapter(clientFor: VendorClients['chat'], dialect: ChatDialect): ChatAdapter {
  const ask = async (target: UpstreamTarget, body: ChatBody, { signal }: CallContext, more: Json) => {
    const { base, classify } = dialect;
    const call: Call = { urlBase: base(target.urlBase), apiKey: target.apiKey, signal, classify };
    const request = { ...responseRequest(body), model: target.model, store: false, ...more };
    return { call, answer: await clientFor(target).post(call, PATH, request) };
  };
  return {
    complete: async (target, body, context) => {
      const { call, answer } = await ask(target, body, context, {});
      const { response } = await readResponse(answer, call);
      return { completion: completionOf(response, headOf(target, context)), usage: usageOfAnswer(response) };
    },
    stream: async (target, body, context) => {
      const { call, answer } = await ask(target, body, context, { stream: true });
      const reading = new ResponseReading(call, headOf(target, context), 'as a chat');
      return readStream(answer.stream, call.signal, reading, answer.discard);
    },
  };
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
    if (isJsonObject(part.file)) return inputFile(part.file);
    if (url === undefined) return { type: 'input_text', text: textIn(part.text) };
    return { type: 'input_image', image_url: url, ...(detail === undefined ? {} : { detail }) };
  });
}

function inputFile(file: Json): Json {
  const { file_data: data } = file;
  const isAddress = /^https?:/i.test(textIn(data));
  return { type: 'input_file', ...(isAddress ? { file_url: data } : file) };
}
