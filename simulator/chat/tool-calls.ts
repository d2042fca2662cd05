/** Which of the offered tools the simulated model calls. */

import { schemaInstance } from '../content/schema-instance.ts';
import { hashText, seededHex } from '../content/seeded-random.ts';
import { type ChatRequest, type ChatTool, lastUserText, messageText } from './request.ts';

export interface ToolCall {
  id: string;
  name: string;
  /** JSON text, as vendors send it. */
  arguments: string;
}

/**
 * A user who writes `call NAME with {…}` gets that call with these arguments. A named or required tool is always called. Otherwise a tool is called when the last message is a user's and names
 * it (`get_weather`, or "weather"), or asks for a tool in general. After a tool's result no tool is called, unless
 * tool_choice forces it.
 */
export function chooseToolCalls(request: ChatRequest, seed: number): ToolCall[] {
  const tools = request.tools ?? [];
  const choice = request.tool_choice ?? 'auto';
  if (tools.length === 0 || choice === 'none') return [];
  const scripted = scriptedCall(request, tools, seed);
  if (scripted) return [scripted];
  if (typeof choice === 'object')
    return callsOf(
      tools.filter((tool) => tool.function.name === choice.function.name),
      seed,
    );
  const asked = askedTools(request, tools);
  if (choice === 'required' && asked.length === 0) return callsOf(tools.slice(0, 1), seed);
  return callsOf(request.parallel_tool_calls === false ? asked.slice(0, 1) : asked, seed);
}

const SCRIPT = /\bcall ([\w-]+) with (\{.*\})/s;

function scriptedCall(request: ChatRequest, tools: ChatTool[], seed: number): ToolCall | undefined {
  if (!isUsersTurn(request)) return undefined;
  const [, name, text = ''] = SCRIPT.exec(lastUserText(request)) ?? [];
  if (!tools.some((tool) => tool.function.name === name)) return undefined;
  return { id: `call_${seededHex(hashText(text) + seed, 24)}`, name: name ?? '', arguments: text };
}

/** True where tool_choice forces one function: OpenAI then ends with `stop`, not with `tool_calls`. */
export function isForcedByName(request: ChatRequest): boolean {
  return typeof request.tool_choice === 'object' && request.tool_choice !== null;
}

/** The results of the tools when the conversation's last messages are such. */
export function toolResults(request: ChatRequest): string[] {
  const lastOther = request.messages.findLastIndex((message) => message.role !== 'tool');
  return request.messages.slice(lastOther + 1).map(messageText);
}

/** What the system says last is no turn. */
function isUsersTurn({ messages }: ChatRequest): boolean {
  return messages.findLast(({ role }) => role !== 'system' && role !== 'developer')?.role === 'user';
}

function askedTools(request: ChatRequest, tools: ChatTool[]): ChatTool[] {
  if (!isUsersTurn(request)) return [];
  const text = lastUserText(request).toLowerCase();
  const named = tools.filter((tool) => text.includes(tool.function.name.toLowerCase()) || sharesWord(text, tool));
  if (named.length > 0) return named;
  return /\b(tool|function)s?\b|工具|函数/.test(text) ? tools.slice(0, 1) : [];
}

/** The text contains a word of at least five letters of the tool's name. */
function sharesWord(text: string, tool: ChatTool): boolean {
  const words = tool.function.name.split(/[_-]|(?<=[a-z])(?=[A-Z])/);
  return words.some((word) => word.length >= 5 && text.includes(word.toLowerCase()));
}

function callsOf(tools: ChatTool[], seed: number): ToolCall[] {
  return tools.map((tool, index) => ({
    id: `call_${seededHex(hashText(tool.function.name) + seed + index, 24)}`,
    name: tool.function.name,
    arguments: JSON.stringify(schemaInstance(tool.function.parameters ?? { type: 'object' }, seed + index)),
  }));
}
