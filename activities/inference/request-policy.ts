/** Which fields of a chat request a caller may set. Pure. */
import { type FieldError, invalid } from '../../infra/errors.ts';

/** The gateway's own: they decide who serves a call and how much it may cost, and are set in no way by a caller. */
export const GATEWAY_FIELDS: ReadonlySet<string> = new Set([
  'models',
  'route',
  'provider',
  'plugins',
  'best_of',
  'max_output_tokens',
  'max_new_tokens',
  'num_predict',
  // What other gateways merge into the body, whatever this one has set in it.
  'extra_body',
  // Makes any number of tokens of a short prompt.
  'chat_template',
]);

/** They can make a call dearer than its tokens, so they pass only to models whose record says that the price covers it. */
export const PRICED_FIELDS: readonly string[] = [
  'service_tier',
  'web_search',
  'web_search_options',
  'search_parameters',
  'enable_search',
  'search_options',
  'enable_code_interpreter',
  'thinking_budget',
  'modalities',
  'audio',
  'prediction',
  'size',
  'quality',
  // More tokens an image than its model's record says.
  'vl_high_resolution_images',
  'mm_processor_kwargs',
];

/** The tier that a request without the field gets. */
const PLAIN_TIERS: ReadonlySet<unknown> = new Set(['auto', 'default']);

/** Fields that clients send with a value that is so without them, and that a provider need not know. */
export function changesNothing(field: string, value: unknown): boolean {
  if (field === 'service_tier') return PLAIN_TIERS.has(value) || isEmpty(value);
  if (field === 'modalities') return Array.isArray(value) && value.length === 1 && value[0] === 'text';
  return (GATEWAY_FIELDS.has(field) || PRICED_FIELDS.includes(field)) && isEmpty(value);
}

/**
 * What else a request for vectors, an order, speech … says, for the provider: without what changes nothing.
 * @throws {AppError} naming each field that a caller may not set.
 */
export function passedFields({ user: _user, ...rest }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fields = Object.entries(rest).filter(
    ([name, value]) => value !== null && value !== undefined && value !== false && !changesNothing(name, value),
  );
  const forbidden = fields.filter(([name]) => GATEWAY_FIELDS.has(name) || name === 'stream');
  if (forbidden.length > 0) throw invalid(forbidden.map(([path]) => ({ path, message: 'cannot be set here' })));
  return Object.fromEntries(fields);
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === '') return true;
  // Search with default options is asked for by an empty object.
  return Array.isArray(value) && value.length === 0;
}

/** Names the price of a batch's lines, which nobody gets by asking for it. */
export const BATCH_TIER = 'batch';

/** They let a provider search, which a price may name by the search. */
export const SEARCH_FIELDS: ReadonlySet<string> = new Set([
  'web_search',
  'web_search_options',
  'search_parameters',
  'enable_search',
  'search_options',
]);

/** The same of a request for images, which are paid for one by one. */
const PRICED_IMAGE_FIELDS = ['quality', 'input_fidelity', 'complexity', 'frame_count'];

/** Says what is so without it, at the price that the model has. */
const PLAIN_VALUES: ReadonlySet<unknown> = new Set([undefined, null, false]);
const PLAIN_IMAGE_VALUES: ReadonlySet<unknown> = new Set([...PLAIN_VALUES, 'auto', 'standard', 'low']);

/** Run by the caller; every other type of tool is run, and priced, by the provider. */
const TOOLS_OF_CALLERS: ReadonlySet<unknown> = new Set(['function', 'custom']);

export interface PricedUse {
  /** As a model's record names it. */
  readonly field: string;
  /** Where the request has it. */
  readonly path: string;
  readonly value: unknown;
}

/** What a chat request asks for beyond its tokens. */
export function pricedInChat(body: Readonly<Record<string, unknown>>): PricedUse[] {
  const fields = PRICED_FIELDS.filter((field) => !PLAIN_VALUES.has(body[field]));
  const tools = Array.isArray(body.tools) ? body.tools : [];
  const provided = tools.findIndex((tool) => !isToolOfCaller(tool));
  return [
    ...fields.map((field) => ({ field, path: field, value: body[field] })),
    ...(provided === -1 ? [] : [{ field: 'tools', path: `tools[${provided}].type`, value: undefined }]),
  ];
}

/** What a request for images asks for beyond so many of them. @param options in the provider's words. */
export function pricedInImages(options: Readonly<Record<string, unknown>>): PricedUse[] {
  const fields = new Set([...PRICED_IMAGE_FIELDS, ...PRICED_FIELDS]);
  const used = [...fields].filter(
    (field) => !PLAIN_IMAGE_VALUES.has(options[field]) && !changesNothing(field, options[field]),
  );
  return used.map((field) => ({ field, path: `options.${field}`, value: options[field] }));
}

function isToolOfCaller(tool: unknown): boolean {
  if (typeof tool !== 'object' || tool === null) return false;
  if ('type' in tool) return TOOLS_OF_CALLERS.has(tool.type);
  return 'function' in tool;
}

/**
 * Parts of a message, beside images, that count at most as many tokens as they have bytes. Any other may name what only
 * the provider can count: a recording, a video, a document, a file that it keeps.
 */
export const COUNTED_PARTS: ReadonlySet<string> = new Set([
  'text',
  'input_text',
  'output_text',
  'refusal',
  'thinking',
  'reasoning',
]);

const MOST_CHOICES = 128;
const MOST_TOKENS = 10_000_000;

const LIMITS: ReadonlyMap<string, number> = new Map([
  ['n', MOST_CHOICES],
  ['max_tokens', MOST_TOKENS],
  ['max_completion_tokens', MOST_TOKENS],
]);

/** The caller's limit of output tokens a choice. */
export function askedLimit(body: Readonly<Record<string, unknown>>): number | undefined {
  const limit = body.max_completion_tokens ?? body.max_tokens;
  return typeof limit === 'number' ? limit : undefined;
}

/**
 * @param field its name in OpenAI's form; @param path as the caller wrote it.
 * @returns what is wrong with it; nothing for a good number and for every other field.
 */
export function limitErrors(field: string, value: unknown, path: string): FieldError[] {
  const most = LIMITS.get(field);
  if (most === undefined || (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most)) return [];
  return [{ path, message: `must be an integer from 1 to ${most}` }];
}
