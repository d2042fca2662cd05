/** POST /v1/responses, whole and as events. */
import type { Call } from '../call.ts';
import { composeAnswer } from '../chat/answer.ts';
import type { ChatDialect } from '../chat/dialect.ts';
import { refuse } from '../chat/refusals.ts';
import { streamPieces } from '../content/answer-text.ts';
import { seededHex } from '../content/seeded-random.ts';
import { EventStream } from '../event-stream.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import type { CountedUsage } from '../journal/call-record.ts';
import { replyJson } from '../reply.ts';
import { OPENAI_CHAT } from './chat.ts';
import { findOpenaiModel } from './models.ts';
import {
  checkResponses,
  inChat,
  offeredTools,
  type ResponsesRequest,
  SEALED_THOUGHTS,
  sealed,
} from './responses-request.ts';

type Json = Readonly<Record<string, unknown>>;

interface Answer {
  readonly response: Json;
  readonly items: readonly Json[];
  readonly status: 'completed' | 'incomplete';
  readonly usage: CountedUsage;
}

export async function answerResponses(call: Call): Promise<void> {
  const model = findOpenaiModel(call.model);
  if (model === undefined) {
    throw call.vendor.error('model_not_found', `The requested model '${call.model}' does not exist.`, 'model');
  }
  if (model.kind !== 'chat') {
    throw call.vendor.error(
      'bad_request',
      `The requested model '${call.model}' cannot be used with the Responses API.`,
      'model',
    );
  }
  const request = checkResponses(call.body, model.thinks, call.vendor);
  const chat = inChat(request);
  if (model.refusals) refuse(chat, model.refusals, call.vendor);
  const answer = compose(call, request);
  if (answer.usage.promptTokens > model.contextTokens) throw call.vendor.error('context_exceeded', undefined, 'input');
  if (request.stream) return stream(call, answer);
  const usage = reportedUsage(written(answer.usage), answer.usage, call.faults) ?? null;
  const delivery = { usage: answer.usage, tokens: answer.usage.completionTokens, images: 0 };
  replyJson(call, { ...answer.response, status: answer.status, output: answer.items, usage }, delivery);
}

const DIALECT: ChatDialect = {
  ...OPENAI_CHAT,
  thinks: (request, model) => (findOpenaiModel(model)?.thinks ?? false) && request.reasoning_effort !== 'none',
};

function compose(call: Call, request: ResponsesRequest): Answer {
  const { seed, choices, usage } = composeAnswer(inChat(request), call.model, DIALECT, call.faults);
  const [choice] = choices;
  if (choice === undefined) throw new Error('an answer has one choice');
  const idOf = (prefix: string, at: number) => `${prefix}_${seededHex(seed + at, 48)}`;
  const tools = offeredTools(request);
  const status = choice.finishReason === 'length' ? 'incomplete' : 'completed';
  const summary = request.reasoning?.summary ? [{ type: 'summary_text', text: choice.reasoning }] : [];
  const isSealed = request.include?.includes(SEALED_THOUGHTS) ?? false;
  const text = { type: 'output_text', annotations: [], logprobs: [], text: choice.content };
  const thought = { id: idOf('rs', 1), type: 'reasoning', summary };
  const items: Json[] = [
    ...(choice.reasoning === ''
      ? []
      : [isSealed ? { ...thought, encrypted_content: sealed(choice.reasoning, thought.id) } : thought]),
    ...(choice.toolCalls.length > 0
      ? []
      : [{ id: idOf('msg', 2), type: 'message', status, role: 'assistant', content: [text] }]),
    ...choice.toolCalls.map(({ id: call_id, name, arguments: given }, at) => {
      const tool = tools.get(name);
      const named = { name: tool?.name ?? name, ...(tool?.namespace ? { namespace: tool.namespace } : {}) };
      if (tool?.type === 'custom') {
        const { input } = JSON.parse(given);
        return { id: idOf('ctc', 3 + at), type: 'custom_tool_call', status, call_id, ...named, input };
      }
      return { id: idOf('fc', 3 + at), type: 'function_call', status, call_id, ...named, arguments: given };
    }),
  ];
  const response = {
    ...{ id: idOf('resp', 0), object: 'response', created_at: Math.floor(Date.now() / 1_000), status: 'in_progress' },
    ...{ background: false, error: null, instructions: request.instructions ?? null },
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    ...{ max_output_tokens: request.max_output_tokens ?? null, model: call.modelAsked, output: [] },
    ...{ parallel_tool_calls: request.parallel_tool_calls ?? true, previous_response_id: null },
    ...{ reasoning: { effort: null, summary: null, ...request.reasoning }, service_tier: 'default' },
    ...{
      store: request.store ?? true,
      temperature: request.temperature ?? 1,
      text: request.text ?? { format: { type: 'text' } },
    },
    ...{ tool_choice: request.tool_choice ?? 'auto', tools: request.tools ?? [], top_p: request.top_p ?? 1 },
    ...{ truncation: 'disabled', usage: null, metadata: request.metadata ?? {} },
  };
  return { response, items, status, usage };
}

function written(usage: CountedUsage): Record<string, unknown> {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.promptTokens + usage.completionTokens,
  };
}

async function stream(call: Call, { response, items, status, usage }: Answer): Promise<void> {
  let number = 0;
  const event = (type: string, fields: Json) => {
    const data = { type, sequence_number: number, ...fields };
    number += 1;
    return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
  };
  const events = new EventStream(call, usage, () => {
    const message = 'The server had an error while processing your request. Sorry about that!';
    return event('error', { code: 'server_error', message, param: null });
  });
  await events.send(event('response.created', { response }));
  await events.send(event('response.in_progress', { response }));
  for (const [output_index, item] of items.entries()) {
    for (const { type, fields, piece } of eventsOf(item, output_index)) {
      const text = { of: `${output_index}`, piece: piece ?? '' };
      await events.send(event(`response.${type}`, { output_index, ...fields }), piece === undefined ? {} : { text });
    }
  }
  const reported = reportedUsage(written(usage), usage, call.faults) ?? null;
  const whole = { ...response, status, output: items, usage: reported };
  await events.finish(usage, event(`response.${status}`, { response: whole }));
}

interface ItemEvent {
  readonly type: string;
  readonly fields: Json;
  /** What of the answer it delivers. */
  readonly piece?: string;
}

function* eventsOf(item: Json, output_index: number): Generator<ItemEvent> {
  const at = { item_id: item.id, output_index };
  const begun = { ...item, ...(item.type === 'reasoning' ? {} : { status: 'in_progress' }) };
  switch (item.type) {
    case 'reasoning': {
      yield { type: 'output_item.added', fields: { item: { ...begun, summary: [] } } };
      const [part] = partsOf(item.summary);
      if (part === undefined) break;
      const inside = { ...at, summary_index: 0 };
      yield { type: 'reasoning_summary_part.added', fields: { ...inside, part: { ...part, text: '' } } };
      for (const piece of streamPieces(part.text)) {
        yield { type: 'reasoning_summary_text.delta', fields: { ...inside, delta: piece, obfuscation: 'x' }, piece };
      }
      yield { type: 'reasoning_summary_text.done', fields: { ...inside, text: part.text } };
      yield { type: 'reasoning_summary_part.done', fields: { ...inside, part } };
      break;
    }
    case 'message': {
      yield { type: 'output_item.added', fields: { item: { ...begun, content: [] } } };
      const [part] = partsOf(item.content);
      if (part === undefined) break;
      const inside = { ...at, content_index: 0 };
      yield { type: 'content_part.added', fields: { ...inside, part: { ...part, text: '' } } };
      for (const piece of streamPieces(part.text)) {
        yield { type: 'output_text.delta', fields: { ...inside, delta: piece, logprobs: [], obfuscation: 'x' }, piece };
      }
      yield { type: 'output_text.done', fields: { ...inside, text: part.text, logprobs: [] } };
      yield { type: 'content_part.done', fields: { ...inside, part } };
      break;
    }
    default: {
      const isCustom = item.type === 'custom_tool_call';
      const [field, events] = isCustom
        ? (['input', 'custom_tool_call_input'] as const)
        : (['arguments', 'function_call_arguments'] as const);
      yield { type: 'output_item.added', fields: { item: { ...begun, [field]: '' } }, piece: String(item.name) };
      for (const piece of streamPieces(String(item[field]))) {
        yield { type: `${events}.delta`, fields: { ...at, delta: piece, obfuscation: 'x' }, piece };
      }
      yield { type: `${events}.done`, fields: { ...at, [field]: item[field] } };
    }
  }
  yield { type: 'output_item.done', fields: { item } };
}

function partsOf(parts: unknown): { readonly text: string }[] {
  return Array.isArray(parts) ? parts : [];
}
