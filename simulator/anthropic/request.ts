/** A request of Messages: its form, and what the interface refuses beyond that. Fields that it does not know it refuses. */
import { z } from 'zod';
import { pdfText } from '../content/document-input.ts';
import type { Vendor } from '../vendor.ts';

const ttl = z.enum(['5m', '1h']).optional();
const cacheControl = z.strictObject({ type: z.literal('ephemeral'), ttl, scope: z.string().optional() }).nullish();

const base64Source = z.strictObject({ type: z.literal('base64'), media_type: z.string(), data: z.string().min(1) });
const urlSource = z.strictObject({ type: z.literal('url'), url: z.url() });
const text = z.looseObject({
  type: z.literal('text'),
  text: z.string().min(1, 'text content blocks must be non-empty'),
  cache_control: cacheControl,
});
const image = z.looseObject({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [base64Source, urlSource]),
  cache_control: cacheControl,
});
const document = z.looseObject({
  type: z.literal('document'),
  source: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('base64'),
      media_type: z.literal('application/pdf'),
      data: z.string().refine((data) => pdfText(data) !== undefined, 'The PDF specified was not valid.'),
    }),
    urlSource,
    z.looseObject({ type: z.literal('text'), media_type: z.literal('text/plain'), data: z.string() }),
  ]),
  cache_control: cacheControl,
});
const toolResult = z.looseObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string().regex(/^[\w-]+$/),
  content: z.union([z.string(), z.array(z.discriminatedUnion('type', [text, image]))]).optional(),
  is_error: z.boolean().optional(),
  cache_control: cacheControl,
});
const thinking = z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() });
const redacted = z.strictObject({ type: z.literal('redacted_thinking'), data: z.string() });
const toolUse = z.looseObject({
  type: z.literal('tool_use'),
  id: z.string().regex(/^[\w-]+$/),
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
});
const serverBlock = z.looseObject({ type: z.enum(['server_tool_use', 'web_search_tool_result']) });
const answered = [thinking, redacted, toolUse, serverBlock] as const;
const block = z.discriminatedUnion('type', [text, image, document, toolResult, ...answered]);

const message = z.strictObject({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string().min(1, 'messages must have non-empty content'), z.array(block).min(1)]),
});

const customTool = z.strictObject({
  type: z.literal('custom').optional(),
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
  description: z.string().optional(),
  input_schema: z.looseObject({ type: z.literal('object') }),
  cache_control: cacheControl,
  strict: z.boolean().optional(),
  defer_loading: z.boolean().optional(),
  eager_input_streaming: z.boolean().optional(),
});
const vendorTool = z.looseObject({ type: z.string(), name: z.string() });
const anyChoice = { disable_parallel_tool_use: z.boolean().optional() };

const messagesRequestSchema = z.strictObject({
  model: z.string().min(1),
  max_tokens: z.number().int().min(1),
  messages: z.array(message).min(1),
  system: z.union([z.string(), z.array(text)]).optional(),
  tools: z.array(z.union([customTool, vendorTool])).optional(),
  tool_choice: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('auto'), ...anyChoice }),
      z.strictObject({ type: z.literal('any'), ...anyChoice }),
      z.strictObject({ type: z.literal('tool'), name: z.string(), ...anyChoice }),
      z.strictObject({ type: z.literal('none') }),
    ])
    .optional(),
  stream: z.boolean().optional(),
  stop_sequences: z.array(z.string().regex(/\S/, 'each stop sequence must contain non-whitespace')).optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.number().int().min(0).optional(),
  thinking: z
    .discriminatedUnion('type', [
      z.looseObject({ type: z.literal('enabled'), budget_tokens: z.number().int().min(1_024) }),
      z.looseObject({ type: z.literal('adaptive') }),
      z.looseObject({ type: z.literal('disabled') }),
    ])
    .optional(),
  output_config: z
    .looseObject({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).optional(),
      format: z.looseObject({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) }).optional(),
    })
    .optional(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  context_management: z.looseObject({}).optional(),
  cache_control: cacheControl,
  service_tier: z.enum(['auto', 'standard_only']).optional(),
  speed: z.enum(['standard', 'fast']).optional(),
  inference_geo: z.string().optional(),
  container: z.unknown().optional(),
  mcp_servers: z.array(z.unknown()).optional(),
  /** As of a version that has not come yet: it stands for whatever is new. */
  sim_future_field: z.unknown().optional(),
});

export type MessagesRequest = z.infer<typeof messagesRequestSchema>;
export type MessagesBlock = z.infer<typeof block>;

/** The version that refuses fields of sampling. */
const WITHOUT_SAMPLING = '2026-10-21';

/** @throws VendorError in Anthropic's words. */
export function checkMessages(body: Record<string, unknown>, version: string, vendor: Vendor): MessagesRequest {
  const parsed = messagesRequestSchema.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join('.') ?? '';
    if (issue?.code === 'unrecognized_keys') {
      const at = [path, issue.keys[0]].filter((part) => part !== '').join('.');
      throw vendor.error('bad_request', `${at}: Extra inputs are not permitted`);
    }
    throw vendor.error('bad_request', `${path}: ${issue?.message ?? 'invalid'}`);
  }
  const request = parsed.data;
  const sampling = ['temperature', 'top_p', 'top_k'].find((name) => body[name] !== undefined);
  if (version >= WITHOUT_SAMPLING && sampling) {
    throw vendor.error('bad_request', `${sampling}: Extra inputs are not permitted`);
  }
  const { thinking: asked, max_tokens: limit } = request;
  if (asked?.type === 'enabled' && asked.budget_tokens >= limit) {
    throw vendor.error('bad_request', '`max_tokens` must be greater than `thinking.budget_tokens`');
  }
  checkResults(request, vendor);
  return request;
}

/** Each call of a tool has its result in the next message, and no result comes without a call. */
function checkResults({ messages }: MessagesRequest, vendor: Vendor): void {
  const turns = messages.filter(({ role }) => role !== 'system');
  for (const [index, { content }] of turns.entries()) {
    const calls = idsOf(content, 'tool_use');
    const next = turns[index + 1];
    const results = next === undefined ? undefined : idsOf(next.content, 'tool_result');
    const missing = results && calls.find((id) => !results.includes(id));
    if (missing) {
      const found = `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after`;
      throw vendor.error('bad_request', `${found}: ${missing}`);
    }
    const before = index === 0 ? [] : idsOf(turns[index - 1]?.content ?? '', 'tool_use');
    const unasked = idsOf(content, 'tool_result').find((id) => !before.includes(id));
    if (unasked) {
      throw vendor.error(
        'bad_request',
        `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\`: ${unasked}`,
      );
    }
  }
}

function idsOf(content: MessagesRequest['messages'][number]['content'], type: 'tool_use' | 'tool_result'): string[] {
  if (typeof content === 'string') return [];
  return content.flatMap((one) => {
    if (one.type === 'tool_use' && type === 'tool_use') return [one.id];
    return one.type === 'tool_result' && type === 'tool_result' ? [one.tool_use_id] : [];
  });
}
