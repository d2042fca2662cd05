/** What the simulated model says in the form of Messages: its blocks, why it ended and what it used. Pure. */
import { type ChatAnswer, composeAnswer } from '../chat/answer.ts';
import type { ChatDialect } from '../chat/dialect.ts';
import { chatRequestSchema } from '../chat/request.ts';
import { documentText, pdfText } from '../content/document-input.ts';
import { seededHex } from '../content/seeded-random.ts';
import type { ActiveFaults } from '../faults/fault-table.ts';
import type { MessagesBlock, MessagesRequest } from './request.ts';

export type AnswerBlock =
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'redacted_thinking'; data: string }
  | { type: 'text'; text: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown }
  | { type: 'server_tool_use'; id: string; name: 'web_search'; input: { query: string } }
  | { type: 'web_search_tool_result'; tool_use_id: string; content: unknown[] };

export interface MessagesAnswer {
  readonly id: string;
  readonly blocks: readonly AnswerBlock[];
  readonly stopReason: string;
  readonly stopSequence: string | null;
  readonly searches: number;
  readonly chat: ChatAnswer;
}

/** Of thoughts that are given back. */
const SIGNATURE = /^sim-signature-[0-9a-f]+$/;

/** @returns the first thought whose signature this simulator has not made. */
export function foreignThought({ messages }: MessagesRequest): string | undefined {
  for (const [index, { content }] of messages.entries()) {
    if (typeof content === 'string') continue;
    const at = content.findIndex((block) => block.type === 'thinking' && !SIGNATURE.test(block.signature));
    if (at !== -1) return `messages.${index}.content.${at}`;
  }
  return undefined;
}

const DIALECT: ChatDialect = {
  thinks: (request) => request.thinking?.type === 'enabled',
  limits: (request) => ({ total: request.max_tokens ?? undefined, answer: undefined }),
  usage: () => ({}),
  extraFields: {},
  everyDelta: {},
  finalDelta: {},
  usageOnChunks: 'null-if-asked',
  completionId: (seed) => `msg_${seededHex(seed, 24)}`,
};

export function composeMessage(request: MessagesRequest, model: string, faults: ActiveFaults): MessagesAnswer {
  const chat = composeAnswer(chatRequestSchema.parse(inChat(request)), model, DIALECT, faults);
  const [choice] = chat.choices;
  if (choice === undefined) throw new Error('an answer has one choice');
  const search = asksToSearch(request);
  const searchId = `srvtoolu_${seededHex(chat.seed + 7, 20)}`;
  const stopSequence = stopMet(request, choice.finishReason);
  const blocks: AnswerBlock[] = [
    ...(choice.reasoning === ''
      ? []
      : [
          {
            type: 'thinking' as const,
            thinking: choice.reasoning,
            signature: `sim-signature-${seededHex(chat.seed, 32)}`,
          },
        ]),
    ...(model.includes('redacted') ? [{ type: 'redacted_thinking' as const, data: seededHex(chat.seed + 3, 40) }] : []),
    ...(search
      ? [
          {
            type: 'server_tool_use' as const,
            id: searchId,
            name: 'web_search' as const,
            input: { query: 'simulator' },
          },
          { type: 'web_search_tool_result' as const, tool_use_id: searchId, content: [] },
        ]
      : []),
    ...(choice.content === '' ? [] : [{ type: 'text' as const, text: choice.content }]),
    ...choice.toolCalls.map((call) => ({
      type: 'tool_use' as const,
      id: call.id.replace('call_', 'toolu_'),
      name: call.name,
      input: JSON.parse(call.arguments),
    })),
  ];
  return {
    id: DIALECT.completionId(chat.seed),
    blocks,
    stopReason: stopReasonOf(choice.toolCalls.length > 0, choice.finishReason, stopSequence),
    stopSequence,
    searches: search ? 1 : 0,
    chat,
  };
}

function stopReasonOf(called: boolean, finishReason: string, stopSequence: string | null): string {
  if (called) return 'tool_use';
  if (finishReason === 'length') return 'max_tokens';
  return stopSequence === null ? 'end_turn' : 'stop_sequence';
}

/** The composer cuts at a sequence without saying at which; one that is asked for is taken to be met. */
function stopMet({ stop_sequences: stops = [] }: MessagesRequest, finishReason: string): string | null {
  return finishReason === 'stop' ? (stops[0] ?? null) : null;
}

function asksToSearch({ tools = [], messages }: MessagesRequest): boolean {
  const last = messages.findLast(({ role }) => role === 'user');
  const offered = tools.some((tool) => 'type' in tool && String(tool.type).startsWith('web_search_'));
  return offered && /\bsearch\b/i.test(JSON.stringify(last?.content ?? ''));
}

/** The request in the form in which the composer of all vendors reads one. */
function inChat(request: MessagesRequest): Record<string, unknown> {
  const { system, messages, tools = [], tool_choice: choice, thinking, output_config: config } = request;
  const instructions = system === undefined ? [] : [{ role: 'system', content: textsOf(system) }];
  const functions = tools.flatMap((tool) => ('input_schema' in tool ? [functionOf(tool)] : []));
  const format = config?.format;
  return {
    model: request.model,
    max_tokens: request.max_tokens,
    messages: [...instructions, ...messages.flatMap(turnsOf)],
    stop: (request.stop_sequences ?? []).slice(0, 4),
    ...(functions.length === 0 ? {} : { tools: functions }),
    ...(choice === undefined ? {} : choiceOf(choice)),
    thinking: { type: thinking === undefined || thinking.type === 'disabled' ? 'disabled' : 'enabled' },
    ...(format
      ? { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: format.schema } } }
      : {}),
  };
}

function functionOf(tool: { readonly name: string; readonly [field: string]: unknown }) {
  const { name, description, input_schema: parameters } = tool;
  return { type: 'function', function: { name, description, parameters } };
}

function choiceOf(choice: NonNullable<MessagesRequest['tool_choice']>): Record<string, unknown> {
  const parallel =
    'disable_parallel_tool_use' in choice && choice.disable_parallel_tool_use ? { parallel_tool_calls: false } : {};
  switch (choice.type) {
    case 'any':
      return { tool_choice: 'required', ...parallel };
    case 'tool':
      return { tool_choice: { type: 'function', function: { name: choice.name } } };
    default:
      return { tool_choice: choice.type, ...parallel };
  }
}

function turnsOf({ role, content }: MessagesRequest['messages'][number]): Record<string, unknown>[] {
  if (typeof content === 'string') return [{ role, content }];
  const results = content.flatMap((block) =>
    block.type === 'tool_result'
      ? [{ role: 'tool', tool_call_id: block.tool_use_id, content: textsOf(block.content ?? '') }]
      : [],
  );
  const calls = content.flatMap((block) =>
    block.type === 'tool_use'
      ? [{ id: block.id, type: 'function', function: { name: block.name, arguments: JSON.stringify(block.input) } }]
      : [],
  );
  const parts = content.flatMap(partOf);
  if (calls.length > 0) return [{ role, content: parts, tool_calls: calls }];
  return parts.length === 0 && results.length > 0 ? results : [...results, { role, content: parts }];
}

function partOf(block: MessagesBlock): Record<string, unknown>[] {
  if (block.type === 'text') return [{ type: 'text', text: block.text }];
  if (block.type === 'thinking') return [{ type: 'text', text: block.thinking }];
  if (block.type === 'image') {
    const { source } = block;
    const url = source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`;
    return [{ type: 'image_url', image_url: { url } }];
  }
  if (block.type === 'document') return [{ type: 'text', text: textOfDocument(block.source) }];
  return [];
}

function textsOf(content: string | readonly object[]): string {
  if (typeof content === 'string') return content;
  return content.flatMap((block) => ('text' in block ? [String(block.text)] : [])).join('\n');
}

function textOfDocument(source: Extract<MessagesBlock, { type: 'document' }>['source']): string {
  if (source.type === 'text') return source.data;
  return (source.type === 'url' ? documentText(source.url) : pdfText(source.data)) ?? '';
}
