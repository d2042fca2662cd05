/**
 * Tools of a request in the Responses form: offered to a chat model as functions, and its calls of them brought back into
 * the items that the client knows. Pure.
 */
import { hash } from 'node:crypto';
import { listIn, textIn } from '../../../core/providers/message.ts';
import type { FieldError } from '../../../infra/errors.ts';
import { isJsonObject, type JsonObject as Json, parseJson } from '../../../infra/json-object.ts';

/** Which tool of the client a function of the chat request stands for. */
interface ToolOrigin {
  readonly kind: 'function' | 'custom' | 'local_shell';
  readonly name: string;
  readonly namespace: string | undefined;
}

export interface OfferedTools {
  /** In the chat form; undefined where there are none. */
  readonly functions: readonly Json[] | undefined;
  readonly choice: unknown;
  /** The tools that are offered, in the form of responses: without what is left out, and without fields that nobody knows. */
  readonly kept: readonly Json[];
  readonly origins: ReadonlyMap<string, ToolOrigin>;
}

/** OpenAI takes 64 characters. */
const LONGEST_NAME = 64;
const HASH_CHARACTERS = 8;
const LOCAL_SHELL = 'local_shell';
/** A tool and those in its namespace. */
const MOST_TOOLS = 1_000;

/** Run by OpenAI, and sent with every request by programs that do well without: a chat model is not offered them. */
const LEFT_OUT = /^(web_search|tool_search)/;

/** What the client says of a tool that it runs itself; anything else could ask the provider for more than tokens. */
const FIELDS = {
  function: ['type', 'name', 'description', 'parameters', 'strict'],
  custom: ['type', 'name', 'description', 'format'],
  namespace: ['type', 'name', 'description'],
  local_shell: ['type'],
} as const;

function keptTool(tool: Json, type: keyof typeof FIELDS): Json {
  const fields: readonly string[] = FIELDS[type];
  return Object.fromEntries(Object.entries(tool).filter(([name]) => fields.includes(name)));
}

/** @param errors takes what is wrong. */
export function offeredTools(asked: Json, errors: FieldError[]): OfferedTools {
  const origins = new Map<string, ToolOrigin>();
  const functions: Json[] = [];
  const offer = (chatName: string, origin: ToolOrigin, description: string, rest: Json, path: string) => {
    if (origins.has(chatName)) errors.push({ path: `${path}.name`, message: 'is the name of another tool, too' });
    origins.set(chatName, origin);
    functions.push({
      type: 'function',
      function: { name: chatName, ...(description === '' ? {} : { description }), ...rest },
    });
  };
  /** @returns the tool as it is kept; undefined for one that is not offered. */
  const add = (tool: unknown, path: string, namespace: string | undefined): Json | undefined => {
    if (!isJsonObject(tool) || typeof tool.type !== 'string') {
      errors.push({ path, message: 'must be an object with a type' });
      return undefined;
    }
    const { type } = tool;
    if (LEFT_OUT.test(type)) return undefined;
    if (type === LOCAL_SHELL && namespace === undefined) {
      const origin = { kind: 'local_shell', name: LOCAL_SHELL, namespace } as const;
      offer(LOCAL_SHELL, origin, 'Runs a command in a shell of the user', { parameters: SHELL_PARAMETERS }, path);
      return keptTool(tool, LOCAL_SHELL);
    }
    const name = textIn(tool.name);
    if (name === '' && (type === 'function' || type === 'custom' || type === 'namespace')) {
      errors.push({ path: `${path}.name`, message: 'is required' });
      return undefined;
    }
    if (type === 'function' || type === 'custom') {
      const rest = type === 'custom' ? { parameters: CUSTOM_PARAMETERS } : functionFields(tool);
      const description = type === 'custom' ? customDescription(tool) : textIn(tool.description);
      offer(chatNameOf(name, namespace), { kind: type, name, namespace }, description, rest, path);
      return keptTool(tool, type);
    }
    if (type === 'namespace' && namespace === undefined && Array.isArray(tool.tools)) {
      const inner = addAll(tool.tools, `${path}.tools`, name);
      return inner.length === 0 ? undefined : { ...keptTool(tool, type), tools: inner };
    }
    errors.push({
      path: `${path}.type`,
      message: `"${type.slice(0, 100)}" is a tool that cannot be offered to a model here`,
    });
    return undefined;
  };
  const addAll = (tools: readonly unknown[], path: string, namespace: string | undefined): Json[] => {
    const kept: Json[] = [];
    for (const [index, tool] of tools.entries()) {
      if (errors.length >= MOST_TOOLS || functions.length >= MOST_TOOLS) break;
      const one = add(tool, `${path}[${index}]`, namespace);
      if (one !== undefined) kept.push(one);
    }
    return kept;
  };
  const kept = addAll(listIn(asked.tools), 'tools', undefined);
  const allowed = allowedOf(asked.tool_choice, functions, errors);
  return {
    functions: allowed.functions.length === 0 ? undefined : allowed.functions,
    choice: allowed.functions.length === 0 ? undefined : allowed.choice,
    kept,
    origins,
  };
}

function functionFields({ parameters, strict }: Json): Json {
  return {
    ...(isJsonObject(parameters) ? { parameters } : {}),
    ...(typeof strict === 'boolean' ? { strict } : {}),
  };
}

/** A free text has to come as the one field of an object. */
const CUSTOM_PARAMETERS: Json = {
  type: 'object',
  properties: { input: { type: 'string', description: 'The whole input of the tool as text' } },
  required: ['input'],
  additionalProperties: false,
};

/** A grammar cannot be enforced; the model reads it. */
function customDescription({ description, format }: Json): string {
  const grammar = isJsonObject(format) && format.type === 'grammar' ? textIn(format.definition) : '';
  const syntax = isJsonObject(format) ? textIn(format.syntax) : '';
  const rule = grammar === '' ? '' : `\nThe input must follow this ${syntax} grammar:\n${grammar}`;
  return textIn(description) + rule;
}

const SHELL_PARAMETERS: Json = {
  type: 'object',
  properties: {
    command: { type: 'array', items: { type: 'string' }, description: 'The program and its arguments' },
    working_directory: { type: 'string' },
    timeout_ms: { type: 'integer' },
  },
  required: ['command'],
};

/** The function that a tool within a namespace is offered as. */
function chatNameOf(name: string, namespace: string | undefined): string {
  const whole = namespace === undefined || namespace === '' ? name : `${namespace}__${name}`;
  if (whole.length <= LONGEST_NAME || whole === name) return whole;
  return `${name.slice(0, LONGEST_NAME - HASH_CHARACTERS - 1)}_${hash('sha1', whole).slice(0, HASH_CHARACTERS)}`;
}

interface Allowed {
  readonly functions: readonly Json[];
  readonly choice: unknown;
}

function allowedOf(choice: unknown, functions: readonly Json[], errors: FieldError[]): Allowed {
  if (choice === undefined || choice === null || typeof choice === 'string') {
    if (typeof choice === 'string' && !['auto', 'none', 'required'].includes(choice)) {
      errors.push({ path: 'tool_choice', message: 'must be auto, none, required or a tool' });
    }
    return { functions, choice: choice ?? undefined };
  }
  if (isJsonObject(choice) && choice.type === 'allowed_tools' && Array.isArray(choice.tools)) {
    const names = new Set(choice.tools.map(chosenName));
    const chosen = functions.filter((one) => isJsonObject(one.function) && names.has(textIn(one.function.name)));
    return { functions: chosen, choice: choice.mode === 'required' ? 'required' : 'auto' };
  }
  const name = chosenName(choice);
  if (functions.some((one) => isJsonObject(one.function) && one.function.name === name)) {
    return { functions, choice: { type: 'function', function: { name } } };
  }
  errors.push({ path: 'tool_choice', message: 'names no tool that is offered to the model' });
  return { functions, choice: undefined };
}

function chosenName(choice: unknown): string {
  if (!isJsonObject(choice)) return '';
  return choice.type === LOCAL_SHELL ? LOCAL_SHELL : chatNameOf(textIn(choice.name), textIn(choice.namespace));
}

export interface ModelCall {
  readonly callId: string;
  /** Of the function of the chat request. */
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

/** Prefixes of the ids of items. */
const PREFIXES = { function: 'fc', custom: 'ctc', local_shell: 'lsh' } as const;

export function callPrefix(name: string, { origins }: OfferedTools): string {
  return PREFIXES[origins.get(name)?.kind ?? 'function'];
}

/** Whether the arguments of its calls are sent as they come: those of other tools are in a form of their own. */
export function isPlainCall(name: string, { origins }: OfferedTools): boolean {
  return (origins.get(name)?.kind ?? 'function') === 'function';
}

/** A call of the model as an item of the answer. */
export function callItem(call: ModelCall, id: string, status: string, { origins }: OfferedTools): Json {
  const { kind, name, namespace } = origins.get(call.name) ?? {
    kind: 'function',
    name: call.name,
    namespace: undefined,
  };
  const named = { name, ...(namespace === undefined ? {} : { namespace }) };
  const head = { id, call_id: call.callId, status };
  switch (kind) {
    case 'function':
      return { type: 'function_call', ...head, ...named, arguments: call.arguments };
    case 'custom':
      return { type: 'custom_tool_call', ...head, ...named, input: inputOf(call.arguments) };
    case 'local_shell':
      return { type: 'local_shell_call', ...head, action: shellAction(call.arguments) };
  }
}

function inputOf(text: string): string {
  const fields = parseJson(text);
  return isJsonObject(fields) && typeof fields.input === 'string' ? fields.input : text;
}

function shellAction(text: string): Json {
  const fields = parseJson(text);
  const { command, working_directory, timeout_ms } = isJsonObject(fields) ? fields : {};
  return {
    type: 'exec',
    command: Array.isArray(command) ? command.map(String) : [textIn(command)],
    env: {},
    ...(typeof working_directory === 'string' ? { working_directory } : {}),
    ...(typeof timeout_ms === 'number' ? { timeout_ms } : {}),
  };
}

/** A call in the history, as the model has made it. @returns undefined for an item that is none. */
export function callOfItem(item: Json): Json | undefined {
  const id = textIn(item.call_id);
  const name = chatNameOf(textIn(item.name), textIn(item.namespace));
  switch (item.type) {
    case 'function_call':
      return toolCall(id, name, textIn(item.arguments) || '{}');
    case 'custom_tool_call':
      return toolCall(id, name, JSON.stringify({ input: textIn(item.input) }));
    case 'local_shell_call': {
      const { type: _type, env: _env, ...action } = isJsonObject(item.action) ? item.action : {};
      return toolCall(id, LOCAL_SHELL, JSON.stringify(action));
    }
    default:
      return undefined;
  }
}

function toolCall(id: string, name: string, text: string): Json {
  return { id, type: 'function', function: { name, arguments: text } };
}
