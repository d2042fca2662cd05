/** Composes what the simulated model says: one choice or several, and the usage. Pure. */
import { countTokens } from '../../infra/tokens.ts';
import { answerText, firstTokens, reasoningText } from '../content/answer-text.ts';
import { schemaInstance } from '../content/schema-instance.ts';
import { hashText } from '../content/seeded-random.ts';
import type { ActiveFaults } from '../faults/fault-table.ts';
import type { CountedUsage } from '../journal/call-record.ts';
import type { ChatDialect } from './dialect.ts';
import { promptTokens } from './prompt-tokens.ts';
import { type ChatRequest, lastUserText, messageImages } from './request.ts';
import { chooseToolCalls, isForcedByName, type ToolCall, toolResults } from './tool-calls.ts';

export interface Choice {
  reasoning: string;
  content: string;
  toolCalls: ToolCall[];
  finishReason: 'stop' | 'length' | 'tool_calls';
}

export interface ChatAnswer {
  seed: number;
  choices: Choice[];
  usage: CountedUsage;
}

const ANSWER_TOKENS = 64;
const REASONING_TOKENS = 32;

export function composeAnswer(
  request: ChatRequest,
  model: string,
  dialect: ChatDialect,
  faults: ActiveFaults,
): ChatAnswer {
  const seed = hashText(`${model} ${request.seed ?? 0} ${JSON.stringify(request.messages)}`);
  const thinks = dialect.thinks(request, model);
  const choices = Array.from({ length: request.n ?? 1 }, (_, index) =>
    composeChoice(request, seed + index, thinks, dialect, faults),
  );
  const prompt = promptTokens(request);
  const reasoningTokens = choices.reduce((sum, choice) => sum + countTokens(choice.reasoning), 0);
  return {
    seed,
    choices,
    usage: {
      promptTokens: prompt,
      completionTokens: reasoningTokens + choices.reduce((sum, choice) => sum + answerTokens(choice), 0),
      reasoningTokens,
      cachedTokens: Math.min(prompt, faults.get('cached') ?? 0),
      images: 0,
    },
  };
}

function answerTokens(choice: Choice): number {
  return choice.toolCalls.reduce(
    (sum, call) => sum + countTokens(call.name) + countTokens(call.arguments),
    countTokens(choice.content),
  );
}

function composeChoice(
  request: ChatRequest,
  seed: number,
  thinks: boolean,
  dialect: ChatDialect,
  faults: ActiveFaults,
): Choice {
  if (faults.has('empty')) return { reasoning: '', content: '', toolCalls: [], finishReason: 'stop' };
  const { total, answer } = dialect.limits(request);
  const prompt = lastUserText(request);
  const wanted = thinks ? reasoningText(prompt, seed + 1, REASONING_TOKENS) : '';
  const reasoning = total === undefined ? wanted : firstTokens(wanted, total);
  const left = total === undefined ? answer : Math.min(total - countTokens(reasoning), answer ?? total);

  const toolCalls = chooseToolCalls(request, seed);
  if (toolCalls.length > 0) {
    return { reasoning, content: '', toolCalls, finishReason: isForcedByName(request) ? 'stop' : 'tool_calls' };
  }
  const whole = untilStop(contentOf(request, prompt, seed, faults), request.stop);
  const content = left === undefined ? whole : firstTokens(whole, left);
  return { reasoning, content, toolCalls, finishReason: content === whole ? 'stop' : 'length' };
}

function contentOf(request: ChatRequest, prompt: string, seed: number, faults: ActiveFaults): string {
  const text = () => answerText(prompt, seed, faults.get('length') ?? ANSWER_TOKENS);
  const format = request.response_format;
  if (format?.type === 'json_schema') return JSON.stringify(schemaInstance(format.json_schema.schema ?? {}, seed));
  if (format?.type === 'json_object') return JSON.stringify({ answer: text() });
  const results = toolResults(request);
  if (results.length > 0) return `The result is: ${results.join(' ')}`;
  const images = request.messages.flatMap(messageImages).length;
  return images === 0 ? text() : `${images === 1 ? 'One image' : `${images} images`} seen. ${text()}`;
}

function untilStop(text: string, stop: ChatRequest['stop']): string {
  const sequences = typeof stop === 'string' ? [stop] : (stop ?? []);
  const found = sequences.filter((one) => one !== '').map((one) => text.indexOf(one));
  const first = Math.min(...found.filter((index) => index >= 0));
  return Number.isFinite(first) ? text.slice(0, first) : text;
}
