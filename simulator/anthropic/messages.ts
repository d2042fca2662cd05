/** POST /v1/messages, whole and as events, and the count of its tokens. */
import { type Call, waitMs } from '../call.ts';
import { streamPieces } from '../content/answer-text.ts';
import { EventStream } from '../event-stream.ts';
import { reportedUsage } from '../faults/reported-usage.ts';
import type { CountedUsage } from '../journal/call-record.ts';
import { replyJson } from '../reply.ts';
import type { Vendor } from '../vendor.ts';
import { type AnswerBlock, composeMessage, foreignThought, type MessagesAnswer } from './answer.ts';
import { findAnthropicModel } from './models.ts';
import type { PromptCache } from './prompt-cache.ts';
import { checkMessages, type MessagesRequest } from './request.ts';

interface Composed {
  readonly request: MessagesRequest;
  readonly answer: MessagesAnswer;
}

/** @throws VendorError for what the interface or the model refuses. */
function compose(call: Call, body: Record<string, unknown>): Composed {
  const { vendor, request: http } = call;
  const version = http.headers['anthropic-version'];
  if (typeof version !== 'string') throw vendor.error('bad_request', 'anthropic-version: header is required');
  const request = checkMessages(body, version, vendor);
  const model = findAnthropicModel(call.model);
  if (model === undefined) throw vendor.error('model_not_found', `model: ${call.model}`);
  if (model.isAdaptive) refuseOlder(request, call.vendor);
  if (model.alwaysThinks && request.thinking?.type === 'disabled') {
    throw vendor.error('bad_request', 'thinking.type: "disabled" is not supported by this model');
  }
  const foreign = foreignThought(request);
  if (foreign) throw vendor.error('bad_request', `${foreign}: Invalid \`signature\` in \`thinking\` block`);
  const answer = composeMessage(request, call.model, call.faults);
  const { promptTokens } = answer.chat.usage;
  if (promptTokens > model.contextTokens) {
    throw vendor.error(
      'context_exceeded',
      `prompt is too long: ${promptTokens} tokens > ${model.contextTokens} maximum`,
    );
  }
  return { request, answer };
}

/** @throws VendorError for what models before adaptive thinking took. */
function refuseOlder(request: MessagesRequest, vendor: Vendor): void {
  const { temperature, top_p: topP, top_k: topK, thinking } = request;
  if (temperature !== undefined || topP !== undefined || topK !== undefined) {
    throw vendor.error('bad_request', '`temperature`, `top_p` and `top_k` are not supported by this model');
  }
  if (thinking?.type === 'enabled') {
    throw vendor.error('bad_request', '"thinking.type.enabled" is not supported for this model. Use "adaptive".');
  }
}

export async function answerMessages(call: Call, cache: PromptCache): Promise<void> {
  const { request, answer } = compose(call, call.body);
  const { readTokens, writtenTokens, hourTokens } = cache.use(call.key, request, answer.chat.usage.promptTokens);
  const usage: CountedUsage = {
    ...answer.chat.usage,
    ...{ cachedTokens: readTokens, cacheWriteTokens: writtenTokens, hourCacheWriteTokens: hourTokens },
  };
  if (request.stream) return stream(call, answer, usage);
  const message = {
    ...head(call, answer),
    ...{ content: answer.blocks, stop_reason: answer.stopReason, stop_sequence: answer.stopSequence },
    ...withUsage(reportedUsage(written(usage, answer), usage, call.faults)),
  };
  replyJson(call, message, { usage, tokens: usage.completionTokens, images: 0 });
}

export async function countTokens(call: Call): Promise<void> {
  const { max_tokens: _, stream: _stream, ...body } = call.body;
  const { answer } = compose(call, { ...body, max_tokens: 1 });
  replyJson(call, { input_tokens: answer.chat.usage.promptTokens });
}

function head(call: Call, answer: MessagesAnswer): Record<string, unknown> {
  return { model: call.modelAsked, id: answer.id, type: 'message', role: 'assistant' };
}

/** The usage as Anthropic writes it: what is read from or written to the cache stands beside the input. */
function written(usage: CountedUsage, { searches }: MessagesAnswer): Record<string, unknown> {
  const { promptTokens, cachedTokens, cacheWriteTokens = 0, hourCacheWriteTokens = 0, reasoningTokens } = usage;
  return {
    input_tokens: promptTokens - cachedTokens - cacheWriteTokens,
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cachedTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: cacheWriteTokens - hourCacheWriteTokens,
      ephemeral_1h_input_tokens: hourCacheWriteTokens,
    },
    output_tokens: usage.completionTokens,
    output_tokens_details: { thinking_tokens: reasoningTokens },
    ...(searches === 0 ? {} : { server_tool_use: { web_search_requests: searches } }),
    service_tier: 'standard',
  };
}

function withUsage(usage: object | undefined): Record<string, unknown> {
  return usage === undefined ? {} : { usage };
}

function event(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

async function stream(call: Call, answer: MessagesAnswer, usage: CountedUsage): Promise<void> {
  const events = new EventStream(call, usage, () => {
    return event('error', { error: { type: 'overloaded_error', message: 'Overloaded' } });
  });
  const whole = reportedUsage(written(usage, answer), usage, call.faults);
  const first =
    whole === undefined
      ? undefined
      : { ...whole, output_tokens: Math.min(1, usage.completionTokens), output_tokens_details: undefined };
  const start = { ...head(call, answer), content: [], stop_reason: null, stop_sequence: null, ...withUsage(first) };
  await events.send(event('message_start', { message: start }));
  for (const [index, block] of answer.blocks.entries()) {
    await events.send(event('content_block_start', { index, content_block: opening(block) }));
    if (index === 0) await events.send(event('ping', {}));
    for (const { delta, piece } of deltas(block)) {
      const text = { of: `${index}`, piece };
      await events.send(event('content_block_delta', { index, delta }), piece === '' ? {} : { text });
    }
    await events.send(event('content_block_stop', { index }));
  }
  await waitMs(call, 0);
  const ending = { stop_reason: answer.stopReason, stop_sequence: answer.stopSequence };
  const last = whole === undefined ? { usage: { output_tokens: 0 } } : { usage: whole };
  await events.send(event('message_delta', { delta: ending, ...last }));
  await events.finish(usage, event('message_stop', {}));
}

function opening(block: AnswerBlock): object {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: '' };
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' };
    case 'tool_use':
    case 'server_tool_use':
      return { ...block, input: {} };
    default:
      return block;
  }
}

function* deltas(block: AnswerBlock): Generator<{ readonly delta: object; readonly piece: string }> {
  switch (block.type) {
    case 'text':
      for (const piece of streamPieces(block.text)) yield { delta: { type: 'text_delta', text: piece }, piece };
      return;
    case 'thinking':
      for (const piece of streamPieces(block.thinking))
        yield { delta: { type: 'thinking_delta', thinking: piece }, piece };
      yield { delta: { type: 'signature_delta', signature: block.signature }, piece: '' };
      return;
    case 'tool_use':
    case 'server_tool_use':
      yield {
        delta: { type: 'input_json_delta', partial_json: '' },
        piece: block.type === 'tool_use' ? block.name : '',
      };
      for (const piece of streamPieces(JSON.stringify(block.input))) {
        yield {
          delta: { type: 'input_json_delta', partial_json: piece },
          piece: block.type === 'tool_use' ? piece : '',
        };
      }
      return;
    default:
      return;
  }
}
