/**
 * A request of Messages as a chat, for providers of OpenAI's interface. What a chat has no words for is either
 * named (`untold`: the model would answer to something else), or left out where it only saves money or says how to
 * cache, trim or bill (docs/api-guide.md). Pure.
 */
import type { ChatBody } from '../../../core/providers/provider.ts';
import type { FieldError } from '../../../infra/errors.ts';
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import type { ClientPaths, MessagePath } from '../client-paths.ts';
import type { Untold } from '../native.ts';
import { askedDocument } from '../request-files.ts';

export interface MessagesInChat {
  readonly chat: ChatBody;
  readonly untold: readonly Untold[];
  readonly paths: ClientPaths;
}

/** What stands for these fields of a chat. */
const CLIENT_FIELDS = {
  max_completion_tokens: 'max_tokens',
  stop: 'stop_sequences',
  response_format: 'output_config.format',
  reasoning_effort: 'output_config.effort',
  enable_thinking: 'thinking',
  parallel_tool_calls: 'tool_choice.disable_parallel_tool_use',
  tools: 'tools',
};

/** Fields that mean the same in both. */
const SAME = ['max_tokens', 'temperature', 'top_p', 'top_k'];
/** Without them the model would do less than it was asked. */
const NEEDED = ['mcp_servers', 'container'];

export function messagesInChat(body: Json): MessagesInChat {
  const untold: Untold[] = [];
  const system = textOfBlocks(body.system, 'system', untold);
  const paths: MessagePath[] = system === '' ? [] : [{ path: 'system' }];
  const messages = listOf(body.messages).flatMap((message, index) => {
    const path = `messages.${index}`;
    const turns = isJsonObject(message) ? turnsOf(message, path, untold) : [];
    paths.push(...turns.map(() => ({ path: `${path}.content` })));
    return turns;
  });
  const stops = listOf(body.stop_sequences);
  const tools = listOf(body.tools).flatMap((tool, index) => toolOf(tool, `tools.${index}`, untold));
  for (const name of NEEDED) if (isGiven(body[name])) untold.push(notInChat(name));
  untold.push(...unknownWishes(body));
  return {
    untold,
    paths: { messages: paths, fields: CLIENT_FIELDS },
    chat: {
      ...Object.fromEntries(SAME.flatMap((name) => (isGiven(body[name]) ? [[name, body[name]]] : []))),
      messages: system === '' ? messages : [{ role: 'system', content: system }, ...messages],
      ...(stops.length === 0 ? {} : { stop: stops }),
      ...(tools.length === 0 ? {} : { tools, ...toolChoice(body.tool_choice) }),
      ...thinkingOf(body),
      ...formatOf(body),
    },
  };
}

const CHOICES = ['auto', 'any', 'tool', 'none'];
const THINKING = ['enabled', 'adaptive', 'disabled'];

/** What would be answered otherwise than it was asked, if it was left out. */
function unknownWishes({ tool_choice: choice, thinking, stop_sequences: stops, ...body }: Json): Untold[] {
  const isOf = (value: unknown, types: readonly string[]) =>
    !isGiven(value) || (isJsonObject(value) && types.some((type) => type === value.type));
  const config = isJsonObject(body.output_config) ? body.output_config : {};
  return [
    ...(isOf(choice, CHOICES) ? [] : [notInChat('tool_choice')]),
    ...(isOf(thinking, THINKING) ? [] : [notInChat('thinking')]),
    ...(isOf(config.format, ['json_schema']) ? [] : [notInChat('output_config.format')]),
    ...(isOf(body.output_format, ['json_schema']) ? [] : [notInChat('output_format')]),
    ...(!isGiven(stops) || Array.isArray(stops) ? [] : [notInChat('stop_sequences')]),
  ];
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

function notInChat(path: string, what = ''): FieldError {
  return { path, message: `${what}has no form in OpenAI's interface, which the model speaks` };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** One message of Messages may be several of a chat: results of tools are messages of their own, before what is said. */
function turnsOf({ role, content }: Json, path: string, untold: Untold[]): Json[] {
  if (role === 'assistant') return [answerOf(content, path, untold)];
  const speaker = role === 'system' || role === 'developer' ? role : 'user';
  if (!Array.isArray(content)) return [{ role: speaker, content }];
  const results: Json[] = [];
  const parts: Json[] = [];
  for (const [index, block] of content.entries()) {
    if (!isJsonObject(block)) continue;
    const at = `${path}.content.${index}`;
    if (block.type === 'tool_result') {
      const said = partsOf(listOrText(block.content), `${at}.content`, untold);
      const { texts, others } = divided(said);
      results.push({ role: 'tool', tool_call_id: block.tool_use_id, content: texts });
      // A result of a tool is a text; its images are shown beside it.
      parts.push(...others);
    } else parts.push(...partsOf([block], at, untold, index));
  }
  return parts.length === 0 ? results : [...results, { role: speaker, content: simplest(parts) }];
}

function listOrText(content: unknown): readonly unknown[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content);
}

function divided(parts: readonly Json[]): { readonly texts: string; readonly others: readonly Json[] } {
  const texts = parts.flatMap(({ type, text }) => (type === 'text' ? [textIn(text)] : []));
  return { texts: texts.join('\n\n'), others: parts.filter(({ type }) => type !== 'text') };
}

/** Texts alone are one text: not every server takes them as parts. */
function simplest(parts: readonly Json[]): unknown {
  const { texts, others } = divided(parts);
  return others.length === 0 ? texts : parts;
}

/** @param only the index of a single block, whose path is complete. */
function partsOf(blocks: readonly unknown[], path: string, untold: Untold[], only?: number): Json[] {
  return blocks.flatMap((block, index) => {
    if (!isJsonObject(block)) return [];
    return partOf(block, only === undefined ? `${path}.${index}` : path, untold);
  });
}

function partOf(block: Json, path: string, untold: Untold[]): Json[] {
  const source = isJsonObject(block.source) ? block.source : {};
  switch (block.type) {
    case 'text':
      return textIn(block.text) === '' ? [] : [{ type: 'text', text: block.text }];
    case 'image': {
      const url = addressOf(source);
      if (url !== undefined) return [{ type: 'image_url', image_url: { url } }];
      untold.push(notInChat(`${path}.source`));
      return [];
    }
    case 'document':
      return documentOf(block, source, path, untold);
    case 'search_result': {
      const text = textOfBlocks(block.content, `${path}.content`, untold);
      const head = [textIn(block.title), textIn(block.source)].filter((line) => line !== '');
      return [{ type: 'text', text: [...head, text].join('\n') }];
    }
    default:
      untold.push(notInChat(`${path}.type`, `"${String(block.type)}" `));
      return [];
  }
}

function addressOf({ type, media_type: mediaType, data, url }: Json): string | undefined {
  if (type === 'base64' && typeof data === 'string') return `data:${textIn(mediaType) || 'image/png'};base64,${data}`;
  return type === 'url' && typeof url === 'string' ? url : undefined;
}

function documentOf({ title, context }: Json, source: Json, path: string, untold: Untold[]): Json[] {
  const head = [textIn(title), textIn(context)].filter((line) => line !== '');
  const textPart = (text: string) => [{ type: 'text', text: [...head, text].join('\n') }];
  if (source.type === 'text') return textPart(textIn(source.data));
  if (source.type === 'content') {
    const parts = partsOf(listOrText(source.content), `${path}.source.content`, untold);
    return head.length === 0 ? parts : [{ type: 'text', text: head.join('\n') }, ...parts];
  }
  const given = addressOf({ ...source, media_type: textIn(source.media_type) || 'application/pdf' });
  if (given === undefined) {
    untold.push(notInChat(`${path}.source`));
    return [];
  }
  const part = { type: 'file', file: { filename: textIn(title) || 'document.pdf', file_data: given } };
  untold.push(askedDocument(part, `${path}.source`));
  return textIn(context) === '' ? [part] : [{ type: 'text', text: context }, part];
}

/** Thoughts go back as the texts that they are; what the vendor's own tools did is past, and left out. */
function answerOf(content: unknown, path: string, untold: Untold[]): Json {
  if (!Array.isArray(content)) return { role: 'assistant', content };
  const texts: string[] = [];
  const thoughts: string[] = [];
  const details: Json[] = [];
  const calls: Json[] = [];
  for (const [index, block] of content.entries()) {
    if (!isJsonObject(block)) continue;
    if (block.type === 'text') texts.push(textIn(block.text));
    else if (block.type === 'thinking') {
      thoughts.push(textIn(block.thinking));
      const signature = textIn(block.signature);
      if (signature !== '') details.push({ type: 'reasoning.text', text: block.thinking, signature });
    } else if (block.type === 'redacted_thinking') details.push({ type: 'reasoning.encrypted', data: block.data });
    else if (block.type === 'tool_use') calls.push(callOf(block));
    else if (!isPast(block.type)) untold.push(notInChat(`${path}.content.${index}.type`, `"${String(block.type)}" `));
  }
  const text = texts.join('');
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(thoughts.length === 0 ? {} : { reasoning_content: thoughts.join('') }),
    ...(details.length === 0 ? {} : { reasoning_details: details }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function isPast(type: unknown): boolean {
  return typeof type === 'string' && (type === 'server_tool_use' || /^(?!tool_result).*_tool_result$/.test(type));
}

function callOf({ id, name, input }: Json): Json {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(input ?? {}) } };
}

function textOfBlocks(content: unknown, path: string, untold: Untold[]): string {
  if (typeof content === 'string') return content;
  return divided(partsOf(listOf(content), path, untold)).texts;
}

/** A tool whose schema only the vendor knows. */
export function isOfVendor(tool: unknown): boolean {
  return isJsonObject(tool) && typeof tool.type === 'string' && tool.type !== 'custom';
}

function toolOf(tool: unknown, path: string, untold: Untold[]): Json[] {
  if (!isJsonObject(tool)) return [];
  if (isOfVendor(tool)) {
    untold.push(notInChat(`${path}.type`, `"${String(tool.type)}" `));
    return [];
  }
  const { name, description, input_schema: schema, strict } = tool;
  const parameters = isJsonObject(schema) ? { parameters: schema } : {};
  const described = typeof description === 'string' ? { description } : {};
  const exact = typeof strict === 'boolean' ? { strict } : {};
  return [{ type: 'function', function: { name, ...described, ...parameters, ...exact } }];
}

function toolChoice(choice: unknown): Json {
  if (!isJsonObject(choice)) return {};
  const parallel = choice.disable_parallel_tool_use === true ? { parallel_tool_calls: false } : {};
  switch (choice.type) {
    case 'any':
      return { tool_choice: 'required', ...parallel };
    case 'tool':
      return { tool_choice: { type: 'function', function: { name: choice.name } }, ...parallel };
    case 'none':
      return { tool_choice: 'none' };
    default:
      return parallel;
  }
}

function thinkingOf({ thinking, output_config: config }: Json): Json {
  const type = isJsonObject(thinking) ? thinking.type : undefined;
  const effort = isJsonObject(config) && typeof config.effort === 'string' ? { reasoning_effort: config.effort } : {};
  if (type === 'disabled') return { thinking: { type } };
  return typeof type === 'string' ? { thinking: { type: 'enabled' }, ...effort } : effort;
}

/** The older name is a field of its own. */
function formatOf({ output_config: config, output_format: older }: Json): Json {
  const format = isJsonObject(config) && isJsonObject(config.format) ? config.format : older;
  if (!isJsonObject(format) || format.type !== 'json_schema') return {};
  return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: format.schema } } };
}
