/**
 * Fits a chat request to the model that gets it, by what the model needs. Every request goes through it: calls, streams,
 * jobs, test calls and probes. Every change is reported, so that nobody has to guess. Pure.
 */
import { type FieldError, invalid } from '../../infra/errors.ts';
import { isJsonObject, isSet, type JsonObject as Json } from '../../infra/json-object.ts';
import { listIn } from './message.ts';
import { EFFORTS, type Effort, isAskedAsResponse, type ModelNeeds, onlyStreams, withoutWordsOfChats } from './needs.ts';
import type { ChatBody } from './provider.ts';

/** One change; a name after the colon is that of the field. */
export type Fit =
  | 'limit-name'
  | 'developer-role'
  | 'system-messages'
  | 'empty-tools'
  | 'tool-choice'
  | 'thinking-form'
  | 'thinking-off'
  | 'thinking-on'
  | 'effort'
  | 'json-schema'
  | `left-out:${string}`
  | `bounded:${string}`;

export interface FittedRequest {
  readonly body: ChatBody;
  readonly fits: readonly Fit[];
}

export interface FitOptions {
  readonly streamed: boolean;
  /** Translated from another form, whose every request has wishes of thinking: only a model known to take them gets them. */
  readonly translated?: boolean;
  /** Output tokens; undefined = the request carries no limit, and the model's own counts. */
  readonly limit: number | undefined;
}

/** What is a part of the answer that was asked for: without it the answer would be another one. And its value that asks for nothing. */
const PARTS_OF_ANSWER: ReadonlyMap<string, { readonly nothing: unknown; readonly message: string }> = new Map([
  ['n', { nothing: 1, message: 'must be 1 for this model' }],
  ['logprobs', { nothing: false, message: 'are not given by this model' }],
  ['top_logprobs', { nothing: 0, message: 'are not given by this model' }],
  ['functions', { nothing: undefined, message: 'are not taken by this model: give tools' }],
]);

/** The fields that a model refuses and that cannot be left out: they are refused by their names. */
export function unmetIn(asked: Json, refusedFields: readonly string[] = []): FieldError[] {
  return refusedFields.flatMap((path) => {
    const part = PARTS_OF_ANSWER.get(path);
    const value = asked[path];
    if (part === undefined || !isSet(value) || value === part.nothing) return [];
    return Array.isArray(value) && value.length === 0 ? [] : [{ path, message: part.message }];
  });
}

/** What a chat asks for and the model cannot answer. */
export function unmetWishes(asked: ChatBody, ofModel: ModelNeeds): FieldError[] {
  return unmetIn(asked, needsFor(asked, ofModel).refusedFields);
}

function needsFor(asked: ChatBody, ofModel: ModelNeeds): ModelNeeds {
  return isAskedAsResponse(ofModel, asked) ? withoutWordsOfChats(ofModel) : ofModel;
}

/** @throws {AppError} invalidParameter for what the model cannot answer, such as several choices. */
export function fitChat(asked: ChatBody, ofModel: ModelNeeds, options: FitOptions): FittedRequest {
  const needs = needsFor(asked, ofModel);
  const unmet = unmetIn(asked, needs.refusedFields);
  if (unmet.length > 0) throw invalid(unmet);
  const { streamed, limit, translated = false } = options;
  const fits: Fit[] = [];
  const body = fittedFields(asked, needs, fits);
  fitTools(body, needs, fits);
  if (translated && needs.thinkingSwitch === undefined && clearThinking(body)) fits.push('left-out:thinking');
  fitThinking(body, needs, streamed || onlyStreams(needs), fits);
  if (needs.bounds !== undefined) fitBounds(body, needs.bounds, fits);
  fitLimit(body, asked, needs, limit, fits);
  const messages = fittedMessages(asked.messages, needs, fits);
  const schema = needs.structuredOutput === 'json_object' ? takenSchema(body, fits) : undefined;
  return { body: { ...body, messages: schema === undefined ? messages : withSchema(messages, schema) }, fits };
}

/** Takes the schema out of the format that is asked for. @returns it as text. */
function takenSchema(body: Record<string, unknown>, fits: Fit[]): string | undefined {
  const { response_format: format } = body;
  if (!isJsonObject(format) || format.type !== 'json_schema') return undefined;
  body.response_format = { type: 'json_object' };
  fits.push('json-schema');
  const { json_schema: asked } = format;
  return JSON.stringify((isJsonObject(asked) ? asked.schema : undefined) ?? {});
}

/** The only way in which such a model can learn it; vendors want the word JSON in the messages, too. */
function withSchema(messages: readonly unknown[], schema: string): readonly unknown[] {
  const text = `Answer with one JSON object that is valid by this JSON Schema: ${schema}`;
  const [first, ...rest] = messages;
  if (!isJsonObject(first) || first.role !== 'system') return [{ role: 'system', content: text }, ...messages];
  return [{ ...first, content: `${textOf(first)}\n\n${text}` }, ...rest];
}

/** A copy without what the model refuses. Null is the same as absent, and some vendors refuse it. */
function fittedFields(asked: ChatBody, { refusedFields }: ModelNeeds, fits: Fit[]): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const name of Object.keys(asked)) {
    const value = asked[name];
    if (name === 'messages' || name === 'max_tokens' || name === 'max_completion_tokens' || !isSet(value)) continue;
    if (!refusedFields?.includes(name)) {
      body[name] = value;
      continue;
    }
    // What asks for nothing is so without the field.
    if (!PARTS_OF_ANSWER.has(name)) fits.push(`left-out:${name}`);
  }
  return body;
}

/** One limit under one name: vendors refuse both together. */
function fitLimit(
  body: Record<string, unknown>,
  { max_completion_tokens: modern, max_tokens: older }: ChatBody,
  { limitField }: ModelNeeds,
  limit: number | undefined,
  fits: Fit[],
): void {
  if (limit === undefined) return;
  const asked = isSet(modern) ? 'max_completion_tokens' : isSet(older) ? 'max_tokens' : undefined;
  const name = limitField ?? asked ?? 'max_tokens';
  body[name] = limit;
  if (asked !== undefined && asked !== name) fits.push('limit-name');
}

const TOOL_FIELDS = ['tools', 'tool_choice', 'parallel_tool_calls'] as const;
const FUNCTION_FIELDS = ['functions', 'function_call'] as const;

/** Vendors refuse an empty list of tools, and what belongs to tools where there are none. */
function fitTools(body: Record<string, unknown>, needs: ModelNeeds, fits: Fit[]): void {
  for (const names of [TOOL_FIELDS, FUNCTION_FIELDS]) {
    const tools = body[names[0]];
    if ((Array.isArray(tools) && tools.length > 0) || !names.some((name) => name in body)) continue;
    for (const name of names) delete body[name];
    fits.push('empty-tools');
  }
  if (needs.toolChoice === 'auto' || isAskedAsResponse(needs, body)) offerAllowedTools(body);
  const choice = body.tool_choice;
  if (needs.toolChoice !== 'auto' || !isSet(choice) || choice === 'auto') return;
  // Without tools none can be called.
  if (choice === 'none') for (const name of TOOL_FIELDS) delete body[name];
  else body.tool_choice = 'auto';
  fits.push('tool-choice');
}

/**
 * Only the tools that `tool_choice` allows, where a model knows no such choice.
 * @throws {AppError} invalidParameter when it allows none.
 */
export function offerAllowedTools(body: Record<string, unknown>): void {
  const { tool_choice: choice } = body;
  if (!isJsonObject(choice) || choice.type !== 'allowed_tools') return;
  const { mode, tools } = isJsonObject(choice.allowed_tools) ? choice.allowed_tools : choice;
  const names = new Set(listIn(tools).map(toolName).filter(isSet));
  const offered = listIn(body.tools).filter((tool) => names.has(toolName(tool)));
  if (offered.length === 0) throw invalid([{ path: 'tool_choice', message: 'allows no tool of the request' }]);
  body.tools = offered;
  body.tool_choice = mode === 'required' ? 'required' : 'auto';
}

function toolName(tool: unknown): unknown {
  if (!isJsonObject(tool)) return undefined;
  const named = tool.function ?? tool.custom ?? tool;
  return isJsonObject(named) ? named.name : undefined;
}

interface Wish {
  readonly on: boolean;
  readonly effort?: Effort | undefined;
}

/** Brings what the caller wishes of the model's thinking, in whichever vendor's form, into the model's own form. */
function fitThinking(body: Record<string, unknown>, needs: ModelNeeds, streamed: boolean, fits: Fit[]): void {
  const { thinkingSwitch, thinking = 'any' } = needs;
  if (thinkingSwitch === undefined) return;
  const asked = wishOf(body);
  const wish = thinking === 'streamed' && !streamed ? { on: false } : asked;
  if (wish === undefined) return;
  if (asked?.on !== false && !wish.on) fits.push('thinking-off');
  if (thinking === 'never-off' && !wish.on && thinkingSwitch !== 'reasoning_effort') {
    clearThinking(body);
    fits.push('thinking-on');
    return;
  }
  const before = { ...body };
  writeThinking(body, needs, wish, fits);
  const same = THINKING_FIELDS.every((name) => JSON.stringify(before[name]) === JSON.stringify(body[name]));
  if (!same && !fits.includes('thinking-off')) fits.push('thinking-form');
}

const THINKING_FIELDS = ['enable_thinking', 'thinking', 'reasoning_effort', 'chat_template_kwargs'] as const;

function wishOf(body: Json): Wish | undefined {
  const { enable_thinking: flag, thinking, reasoning_effort: effort, chat_template_kwargs: kwargs } = body;
  const known = EFFORTS.find((one) => one === effort);
  if (typeof flag === 'boolean') return { on: flag, effort: known };
  if (isJsonObject(thinking) && typeof thinking.type === 'string') {
    return { on: thinking.type !== 'disabled', effort: known };
  }
  if (isJsonObject(kwargs) && typeof kwargs.enable_thinking === 'boolean') {
    return { on: kwargs.enable_thinking, effort: known };
  }
  if (known === undefined) return undefined;
  return { on: known !== 'none' && known !== 'minimal', effort: known };
}

function writeThinking(body: Record<string, unknown>, needs: ModelNeeds, { on, effort }: Wish, fits: Fit[]): void {
  const { thinking, chat_template_kwargs: kwargs } = body;
  clearThinking(body);
  switch (needs.thinkingSwitch) {
    case 'enable_thinking':
      body.enable_thinking = on;
      return;
    case 'thinking':
      // Its other members stay, such as a budget.
      body.thinking = { ...(isJsonObject(thinking) && on ? thinking : {}), type: on ? 'enabled' : 'disabled' };
      if (isJsonObject(thinking) && on && thinking.type === 'auto') body.thinking = thinking;
      if (on && effort !== undefined) body.reasoning_effort = takenEffort(effort, needs, fits);
      return;
    case 'adaptive':
      body.thinking = { type: on ? 'adaptive' : 'disabled' };
      if (on && effort !== undefined) body.reasoning_effort = takenEffort(effort, needs, fits);
      return;
    case 'reasoning_effort':
      if (on && effort === undefined) return;
      body.reasoning_effort = takenEffort(on ? (effort ?? 'medium') : (effort ?? 'none'), needs, fits);
      return;
    case 'chat_template_kwargs':
      body.chat_template_kwargs = { ...(isJsonObject(kwargs) ? kwargs : {}), enable_thinking: on };
      return;
    case 'none':
    case undefined:
      return;
  }
}

/** The template's other members are no switch of thinking. @returns whether there was anything to clear. */
function clearThinking(body: Record<string, unknown>): boolean {
  const { chat_template_kwargs: kwargs } = body;
  const had = THINKING_FIELDS.some((name) => name in body);
  for (const name of THINKING_FIELDS) delete body[name];
  if (!isJsonObject(kwargs)) return had;
  const { enable_thinking: _, ...others } = kwargs;
  if (Object.keys(others).length > 0) body.chat_template_kwargs = others;
  return had;
}

/** The most that is taken and is not above what was asked, or else the least that is taken. */
export function takenEffort(asked: Effort, { efforts }: ModelNeeds, fits: Fit[]): Effort {
  if (efforts === undefined || efforts.includes(asked)) return asked;
  fits.push('effort');
  const taken = EFFORTS.filter((one) => efforts.includes(one));
  const below = taken.filter((one) => EFFORTS.indexOf(one) < EFFORTS.indexOf(asked));
  return below.at(-1) ?? taken[0] ?? asked;
}

const BOUNDED = ['temperature', 'top_p', 'top_logprobs', 'presence_penalty', 'frequency_penalty'] as const;

function fitBounds(body: Record<string, unknown>, bounds: NonNullable<ModelNeeds['bounds']>, fits: Fit[]): void {
  for (const name of BOUNDED) {
    const value = body[name];
    const bound = bounds[name];
    if (typeof value !== 'number' || bound === undefined) continue;
    const bounded = Math.min(Math.max(value, bound.least ?? -Infinity), bound.most ?? Infinity);
    if (bounded === value) continue;
    body[name] = bounded;
    fits.push(`bounded:${name}`);
  }
}

/** The same list where nothing is to be changed, which is nearly always. */
function fittedMessages(messages: readonly unknown[], needs: ModelNeeds, fits: Fit[]): readonly unknown[] {
  let changed: unknown[] | undefined;
  for (let index = 0; index < messages.length; index += 1) {
    const message = messages[index];
    const fitting = isJsonObject(message) ? fittedMessage(message, needs, fits) : message;
    if (fitting === message) continue;
    changed ??= [...messages];
    changed[index] = fitting;
  }
  const fitted = changed ?? messages;
  return needs.systemMessages === 'first' ? withSystemFirst(fitted, fits) : fitted;
}

function fittedMessage(message: Json, { refusedMessageFields, developerRole }: ModelNeeds, fits: Fit[]): Json {
  const renamed = message.role === 'developer' && developerRole !== 'developer';
  const emptyCalls = Array.isArray(message.tool_calls) && message.tool_calls.length === 0;
  const refused = refusedMessageFields?.filter((name) => Object.hasOwn(message, name)) ?? [];
  if (!renamed && !emptyCalls && refused.length === 0) return message;
  if (renamed) note(fits, 'developer-role');
  if (emptyCalls) note(fits, 'empty-tools');
  for (const name of refused) note(fits, `left-out:${name}`);
  const left = emptyCalls ? [...refused, 'tool_calls'] : refused;
  const kept = Object.entries(message).filter(([name]) => !left.includes(name));
  return { ...Object.fromEntries(kept), ...(renamed ? { role: 'system' } : {}) };
}

function note(fits: Fit[], fit: Fit): void {
  if (!fits.includes(fit)) fits.push(fit);
}

/** Those at the beginning become one; a later one keeps its place, as words of the user. */
function withSystemFirst(messages: readonly unknown[], fits: Fit[]): readonly unknown[] {
  const isSystem = (message: unknown): message is Json => isJsonObject(message) && message.role === 'system';
  const rest = messages.findIndex((message) => !isSystem(message));
  const leading = messages.slice(0, rest === -1 ? messages.length : rest).filter(isSystem);
  const later = messages.slice(leading.length);
  if (leading.length <= 1 && !later.some(isSystem)) return messages;
  fits.push('system-messages');
  const first = leading.length <= 1 ? leading : [{ role: 'system', content: leading.map(textOf).join('\n\n') }];
  return [...first, ...later.map((message) => (isSystem(message) ? { ...message, role: 'user' } : message))];
}

function textOf({ content }: Json): string {
  if (typeof content === 'string') return content;
  const parts = Array.isArray(content) ? content : [];
  return parts.map((part) => (isJsonObject(part) && typeof part.text === 'string' ? part.text : '')).join('\n');
}
