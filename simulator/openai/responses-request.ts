/** A request of POST /v1/responses: its form, what the interface refuses, and the same as a chat for the composer. */
import { z } from 'zod';
import { type ChatRequest, chatRequestSchema } from '../chat/request.ts';
import { documentText } from '../content/document-input.ts';
import { type Vendor, VendorError } from '../vendor.ts';

const text = z.looseObject({ type: z.enum(['input_text', 'output_text']), text: z.string() });
const image = z.looseObject({
  type: z.literal('input_image'),
  image_url: z.string().min(1),
  detail: z.string().nullish(),
});
const file = z
  .looseObject({
    type: z.literal('input_file'),
    filename: z.string().nullish(),
    file_data: z.string().optional(),
    file_url: z.url().optional(),
  })
  .refine(({ file_data: data, file_url: url }) => (data === undefined) !== (url === undefined), {
    error: "exactly one of 'file_data' and 'file_url' is needed",
  });
const refusal = z.looseObject({ type: z.literal('refusal'), refusal: z.string() });
const content = z.union([z.string(), z.array(z.discriminatedUnion('type', [text, image, file, refusal]))]);

const message = z.looseObject({
  type: z.literal('message').optional(),
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content,
});
const called = { call_id: z.string().min(1).max(64), name: z.string(), namespace: z.string().nullish() };
const output = { call_id: z.string().min(1).max(64), output: content };
const reasoning = z.looseObject({
  type: z.literal('reasoning'),
  id: z.string().optional(),
  summary: z.array(z.looseObject({ type: z.literal('summary_text'), text: z.string() })),
  encrypted_content: z.string().nullish(),
});
const item = z.union([
  z.discriminatedUnion('type', [
    reasoning,
    z.looseObject({ type: z.literal('function_call'), ...called, arguments: z.string() }),
    z.looseObject({ type: z.literal('custom_tool_call'), ...called, input: z.string() }),
    z.looseObject({ type: z.literal('function_call_output'), ...output }),
    z.looseObject({ type: z.literal('custom_tool_call_output'), ...output }),
    z.looseObject({ type: z.literal('web_search_call') }),
    z.looseObject({ type: z.literal('item_reference'), id: z.string() }),
  ]),
  message,
]);
export type ResponseItem = z.infer<typeof item>;

const functionTool = z.looseObject({
  type: z.literal('function'),
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
});
const customTool = z.looseObject({ type: z.literal('custom'), name: z.string(), description: z.string().nullish() });
const namespace = z.looseObject({
  type: z.literal('namespace'),
  name: z.string(),
  tools: z.array(z.discriminatedUnion('type', [functionTool, customTool])),
});
const tool = z.discriminatedUnion('type', [functionTool, customTool, namespace]);
type CallableTool = z.infer<typeof functionTool> | z.infer<typeof customTool>;

const schemaFormat = z.looseObject({
  type: z.literal('json_schema'),
  name: z.string(),
  schema: z.record(z.string(), z.unknown()),
});
const format = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text') }),
  z.looseObject({ type: z.literal('json_object') }),
  schemaFormat,
]);

/** Every other field is refused by its name. */
const requestSchema = z.strictObject({
  model: z.string().min(1),
  input: z.union([z.string(), z.array(item)]),
  instructions: z.string().nullish(),
  previous_response_id: z.string().nullish(),
  conversation: z.unknown().optional(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({}).nullish(),
  background: z.boolean().nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.looseObject({ type: z.enum(['function', 'custom']), name: z.string() }),
      z.looseObject({ type: z.literal('allowed_tools'), mode: z.enum(['auto', 'required']) }),
    ])
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  max_tool_calls: z.number().int().nullish(),
  max_output_tokens: z.number().int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  reasoning: z.looseObject({ effort: z.string().nullish(), summary: z.string().nullish() }).nullish(),
  text: z.looseObject({ format: format.nullish(), verbosity: z.string().nullish() }).nullish(),
  include: z.array(z.string()).nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  client_metadata: z.record(z.string(), z.unknown()).nullish(),
  truncation: z.string().nullish(),
  service_tier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_retention: z.string().nullish(),
  safety_identifier: z.string().nullish(),
  user: z.string().nullish(),
});
export type ResponsesRequest = z.infer<typeof requestSchema>;

export const SEALED_THOUGHTS = 'reasoning.encrypted_content';
const SEAL = 'sim-encrypted-';

/** @param itemId of the item that it is given in: beside another id it is refused. */
export function sealed(thoughts: string, itemId: string): string {
  return SEAL + Buffer.from(JSON.stringify({ itemId, thoughts })).toString('hex');
}

const sealedSchema = z.object({ itemId: z.string(), thoughts: z.string() });

function opened(seal: string | null | undefined): z.infer<typeof sealedSchema> | undefined {
  if (!seal?.startsWith(SEAL)) return undefined;
  try {
    return sealedSchema.parse(JSON.parse(Buffer.from(seal.slice(SEAL.length), 'hex').toString()));
  } catch {
    return undefined;
  }
}

/** @throws VendorError naming the first field that is wrong. */
export function checkResponses(body: Record<string, unknown>, thinks: boolean, vendor: Vendor): ResponsesRequest {
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const unknown = issue?.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys[0] : undefined;
    if (unknown) throw vendor.error('bad_request', `Unknown parameter: '${unknown}'.`, unknown);
    const param = issue?.path.join('.') ?? '';
    throw vendor.error('bad_request', `Invalid value for '${param}': ${issue?.message}`, param);
  }
  const request = parsed.data;
  if (request.previous_response_id != null) {
    const id = request.previous_response_id;
    throw vendor.error('bad_request', `Previous response with id '${id}' not found.`, 'previous_response_id');
  }
  if (!thinks && request.include?.includes(SEALED_THOUGHTS)) {
    throw vendor.error('bad_request', 'Encrypted content is not supported with this model.', 'include');
  }
  for (const [index, one] of itemsOf(request).entries()) checkItem(one, `input[${index}]`, vendor);
  return request;
}

/** Nothing is kept here, as with `store: false`: an item has to come as a whole. */
function checkItem(one: ResponseItem, path: string, vendor: Vendor): void {
  const isMissing = one.type === 'item_reference' || (one.type === 'reasoning' && !one.encrypted_content);
  if (isMissing) {
    const text = `Item with id '${String(one.id)}' not found. Items are not persisted when \`store\` is set to false.`;
    throw vendor.error('bad_request', text, path);
  }
  const prefix = ID_PREFIXES.get(one.type ?? 'message');
  if (typeof one.id === 'string' && prefix !== undefined && !one.id.startsWith(`${prefix}_`)) {
    const text = `Invalid '${path}.id': '${one.id}'. Expected an ID that begins with '${prefix}'.`;
    throw vendor.error('bad_request', text, `${path}.id`);
  }
  if (one.type !== 'reasoning') return;
  const seal = opened(one.encrypted_content);
  if (seal === undefined) throw unreadable(one.id, 'Encrypted content could not be decrypted or parsed.');
  if (one.id !== undefined && one.id !== seal.itemId) {
    throw unreadable(one.id, 'Encrypted content item_id did not match the target item id.');
  }
}

const ID_PREFIXES: ReadonlyMap<string, string> = new Map([
  ...([
    ['message', 'msg'],
    ['reasoning', 'rs'],
    ['function_call', 'fc'],
    ['custom_tool_call', 'ctc'],
  ] as const),
]);

function unreadable(id: string | undefined, reason: string): VendorError {
  const target = id === undefined ? '' : ` for item ${id}`;
  const message = `The encrypted content${target} could not be verified. Reason: ${reason}`;
  const code = 'invalid_encrypted_content';
  return new VendorError({ status: 400, code, type: 'invalid_request_error', message });
}

function itemsOf({ input }: ResponsesRequest): readonly ResponseItem[] {
  return typeof input === 'string' ? [{ role: 'user', content: input }] : input;
}

/** A tool of a namespace has its name in front, until its call is written. */
export function offeredTools({ tools }: ResponsesRequest): ReadonlyMap<string, CallableTool & { namespace?: string }> {
  const all = (tools ?? []).flatMap((one) =>
    one.type === 'namespace'
      ? one.tools.map((inner) => [`${one.name}__${inner.name}`, { ...inner, namespace: one.name }] as const)
      : [[one.name, one] as const],
  );
  return new Map(all);
}

const CUSTOM_INPUT = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] };

export function inChat(request: ResponsesRequest): ChatRequest {
  const { instructions, text: wanted, tool_choice: choice, reasoning: thinking } = request;
  const tools = [...offeredTools(request)].map(([name, one]) => {
    const parameters = one.type === 'custom' ? CUSTOM_INPUT : (one.parameters ?? { type: 'object' });
    return { type: 'function', function: { name, description: one.description, parameters } };
  });
  const chosen = typeof choice === 'object' && choice !== null && 'name' in choice ? choice.name : undefined;
  return chatRequestSchema.parse({
    model: request.model,
    messages: [
      ...(instructions ? [{ role: 'system', content: instructions }] : []),
      ...itemsOf(request).flatMap(messagesOf),
    ],
    ...(tools.length === 0 ? {} : { tools, parallel_tool_calls: request.parallel_tool_calls }),
    ...(typeof choice === 'string' && tools.length > 0 ? { tool_choice: choice } : {}),
    ...(typeof chosen === 'string' ? { tool_choice: { type: 'function', function: { name: chosen } } } : {}),
    ...{ max_completion_tokens: request.max_output_tokens, reasoning_effort: thinking?.effort },
    ...{ temperature: request.temperature, top_p: request.top_p },
    ...(wanted?.format ? { response_format: formatOf(wanted.format) } : {}),
  });
}

function formatOf(asked: z.infer<typeof format>): object {
  return asked.type === 'json_schema' ? { type: asked.type, json_schema: asked } : asked;
}

function messagesOf(one: ResponseItem): object[] {
  switch (one.type) {
    case 'reasoning':
      return [{ role: 'assistant', content: opened(one.encrypted_content)?.thoughts ?? '' }];
    case 'function_call':
    case 'custom_tool_call': {
      const name = one.namespace ? `${one.namespace}__${one.name}` : one.name;
      const given = one.type === 'function_call' ? one.arguments : one.input;
      return [{ role: 'assistant', tool_calls: [{ id: one.call_id, function: { name, arguments: given } }] }];
    }
    case 'function_call_output':
    case 'custom_tool_call_output':
      return [{ role: 'tool', tool_call_id: one.call_id, content: partsOf(one.output) }];
    case 'web_search_call':
    case 'item_reference':
      return [];
    default:
      return [{ role: one.role, content: partsOf(one.content) }];
  }
}

function partsOf(parts: z.infer<typeof content>): string | object[] {
  if (typeof parts === 'string') return parts;
  return parts.map((part) => {
    if (part.type === 'input_image')
      return { type: 'image_url', image_url: { url: part.image_url, detail: part.detail } };
    if (part.type === 'input_file') return { type: 'text', text: textOfFile(part) };
    return { type: 'text', text: part.type === 'refusal' ? part.refusal : part.text };
  });
}

function textOfFile({ file_data: data = '', file_url: url }: z.infer<typeof file>): string {
  return documentText(url ?? data) ?? data.slice(0, 2_000);
}
