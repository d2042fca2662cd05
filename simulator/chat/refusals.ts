/** What vendors and models of OpenAI's interface refuse with 400, as data, and the check of a request against it. */
import type { Vendor } from '../vendor.ts';
import type { ChatRequest } from './request.ts';

export interface Refusals {
  /** The one name of the output limit; undefined: either, but not both. */
  readonly limit?: 'max_tokens' | 'max_completion_tokens';
  readonly mostTokens?: number;
  /** Fields that are refused whatever their value. */
  readonly fields?: readonly string[];
  /** Fields and the values that are taken. */
  readonly values?: Readonly<Record<string, readonly unknown[]>>;
  readonly bounds?: Readonly<Record<string, readonly [number, number]>>;
  readonly messageFields?: readonly string[];
  readonly developerRole?: boolean;
  /** A system message anywhere but at the beginning, or a second one. */
  readonly laterSystem?: boolean;
  /** Any other choice of tools than `auto`. */
  readonly toolChoice?: boolean;
  /** A response_format with a schema. */
  readonly schema?: boolean;
  /** Thinking that is turned off, in whichever form. */
  readonly thinkingOff?: boolean;
}

/** @throws VendorError naming the first field that is refused. */
export function refuse(request: ChatRequest, refusals: Refusals, vendor: Vendor): void {
  const problem = problemOf(request, refusals);
  if (problem) throw vendor.error('bad_request', problem.message, problem.param);
}

interface Problem {
  readonly param: string;
  readonly message: string;
}

function problemOf(request: ChatRequest, refusals: Refusals): Problem | undefined {
  return limitProblem(request, refusals) ?? fieldProblem(request, refusals) ?? messageProblem(request, refusals);
}

function limitProblem(request: ChatRequest, { limit, mostTokens }: Refusals): Problem | undefined {
  const other = limit === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
  if (limit !== undefined && isSet(request[other])) {
    return unsupported(other, `is not supported with this model. Use '${limit}' instead.`);
  }
  for (const name of ['max_tokens', 'max_completion_tokens'] as const) {
    const value = request[name];
    if (mostTokens === undefined || value == null || value <= mostTokens) continue;
    return { param: name, message: `${name} is too large: ${value}. This model supports at most ${mostTokens}.` };
  }
  return undefined;
}

function fieldProblem(request: ChatRequest, refusals: Refusals): Problem | undefined {
  const { fields = [], values = {}, bounds = {}, toolChoice, schema, thinkingOff } = refusals;
  for (const name of fields) if (isSet(request[name])) return unsupported(name, 'is not supported with this model.');
  for (const [name, taken] of Object.entries(values)) {
    const value = request[name];
    if (!isSet(value) || taken.includes(value)) continue;
    return { param: name, message: `Invalid value for '${name}': only ${taken.join(', ')} is allowed for this model` };
  }
  for (const [name, [least, most]] of Object.entries(bounds)) {
    const value = request[name];
    if (typeof value !== 'number' || (value >= least && value <= most)) continue;
    return { param: name, message: `'${name}' must be in the range of [${least}, ${most}]` };
  }
  if (toolChoice && isSet(request.tool_choice) && request.tool_choice !== 'auto') {
    return { param: 'tool_choice', message: "tool_choice: only 'auto' is supported" };
  }
  if (schema && request.response_format?.type === 'json_schema') {
    return { param: 'response_format', message: 'This response_format type is unavailable now' };
  }
  const off = request.thinking?.type === 'disabled' || request.reasoning_effort === 'none';
  if (thinkingOff && off) return { param: 'thinking', message: 'thinking cannot be disabled for this model' };
  return undefined;
}

function messageProblem(request: ChatRequest, refusals: Refusals): Problem | undefined {
  for (const [index, message] of request.messages.entries()) {
    const param = `messages[${index}]`;
    if (refusals.developerRole && message.role === 'developer') {
      return { param: `${param}.role`, message: "developer is not one of ['system', 'assistant', 'user', 'tool']" };
    }
    if (refusals.laterSystem && message.role === 'system' && index > 0) {
      return { param: `${param}.role`, message: 'System message must be at the beginning.' };
    }
    for (const name of refusals.messageFields ?? []) {
      if (isSet(message[name])) return unsupported(`${param}.${name}`, 'is not expected here.');
    }
  }
  return undefined;
}

function unsupported(param: string, rest: string): Problem {
  return { param, message: `Unsupported parameter: '${param}' ${rest}` };
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}
