/** An answer of a model while it comes: what each event of a chat's stream adds to it. Pure. */

export interface ToolCall {
  readonly name: string;
  /** JSON, as far as it has come. */
  readonly arguments: string;
}

export interface Answer {
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly ToolCall[];
  /** Addresses, or data URLs. */
  readonly images: readonly string[];
  readonly model: string | undefined;
  /** Such as `length`, where the answer was cut. */
  readonly finishReason: string | undefined;
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
  /** Decimal text, known when it has ended. */
  readonly cost: string | undefined;
  readonly requestId: string | undefined;
  readonly conversationId: string | undefined;
}

export const NO_ANSWER: Answer = {
  ...{ text: '', reasoning: '', toolCalls: [], images: [], model: undefined, finishReason: undefined },
  ...{ promptTokens: undefined, completionTokens: undefined, cost: undefined, requestId: undefined },
  conversationId: undefined,
};

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** @param chunk one `chat.completion.chunk`. */
export function withChunk(answer: Answer, chunk: unknown): Answer {
  const choice = listOf(member(chunk, 'choices'))[0];
  const delta = member(choice, 'delta');
  const usage = member(chunk, 'usage');
  const reasoning = textOf(member(delta, 'reasoning_content')) ?? textOf(member(delta, 'reasoning')) ?? '';
  const images = listOf(member(delta, 'images')).map(
    (image) => textOf(member(member(image, 'image_url'), 'url')) ?? '',
  );
  return {
    text: answer.text + (textOf(member(delta, 'content')) ?? textOf(member(delta, 'refusal')) ?? ''),
    reasoning: answer.reasoning + reasoning,
    toolCalls: listOf(member(delta, 'tool_calls')).reduce<readonly ToolCall[]>(withToolCall, answer.toolCalls),
    images: [...answer.images, ...images.filter((url) => url !== '')],
    model: textOf(member(chunk, 'model')) ?? answer.model,
    finishReason: textOf(member(choice, 'finish_reason')) ?? answer.finishReason,
    promptTokens: numberOf(member(usage, 'prompt_tokens')) ?? answer.promptTokens,
    completionTokens: numberOf(member(usage, 'completion_tokens')) ?? answer.completionTokens,
    cost: answer.cost,
    requestId: answer.requestId,
    conversationId: textOf(member(chunk, 'conversation_id')) ?? answer.conversationId,
  };
}

/** Each call has a place in the list, and comes in pieces. */
function withToolCall(calls: readonly ToolCall[], piece: unknown): readonly ToolCall[] {
  const place = numberOf(member(piece, 'index')) ?? calls.length;
  const { name = '', arguments: before = '' } = calls[place] ?? {};
  const said = member(piece, 'function');
  const changed = [...calls];
  changed[place] = {
    name: name + (textOf(member(said, 'name')) ?? ''),
    arguments: before + (textOf(member(said, 'arguments')) ?? ''),
  };
  return changed;
}

/** The gateway's comment at the end of a stream: `x-cost=0.01 x-request-id=… x-price-rule=…`. */
export function withComment(answer: Answer, comment: string): Answer {
  const cost = /(?:^|\s)x-cost=(\S+)/.exec(comment)?.[1];
  const requestId = /(?:^|\s)x-request-id=(\S+)/.exec(comment)?.[1];
  return cost === undefined ? answer : { ...answer, cost, requestId };
}

/** The result of a job, and of the routes in the gateway's own form. */
export function answerOfResult(result: unknown): Answer {
  return {
    ...NO_ANSWER,
    text: textOf(member(result, 'assistantMessage')) ?? textOf(member(result, 'refusal')) ?? '',
    reasoning: textOf(member(result, 'reasoningContent')) ?? '',
    toolCalls: listOf(member(result, 'toolCalls')).reduce<readonly ToolCall[]>(
      (calls, call) => withToolCall(calls, { function: member(call, 'function') }),
      [],
    ),
    images: listOf(member(result, 'imageUrls')).map(String),
    model: textOf(member(result, 'usedModelIdentifier')),
    promptTokens: numberOf(member(result, 'inputTokensCount')),
    completionTokens: numberOf(member(result, 'outputTokensCount')),
    cost: textOf(member(result, 'cost')),
    requestId: textOf(member(result, 'requestId')),
    conversationId: textOf(member(result, 'conversationId')),
  };
}
