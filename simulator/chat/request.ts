/**
 * A chat completions request as OpenAI, DashScope's compatible mode and Ark take it. Unset fields may be null: Ark's
 * own client sends every unset field so. Fields that are not read here pass unnoticed.
 */
import { z } from 'zod';
import { documentText } from '../content/document-input.ts';

const textPart = z.looseObject({ type: z.literal('text'), text: z.string() });
const imagePart = z.looseObject({
  type: z.literal('image_url'),
  image_url: z.looseObject({ url: z.string().min(1), detail: z.string().nullish() }),
});
const filePart = z.looseObject({
  type: z.literal('file'),
  file: z.looseObject({ file_data: z.string().min(1), filename: z.string().nullish() }),
});
const otherPart = z.looseObject({ type: z.enum(['input_audio', 'refusal', 'video_url']) });

const functionCall = z.looseObject({ name: z.string(), arguments: z.string() });
const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: z.union([z.string(), z.array(z.union([textPart, imagePart, filePart, otherPart]))]).nullish(),
  name: z.string().nullish(),
  tool_call_id: z.string().nullish(),
  tool_calls: z.array(z.looseObject({ id: z.string(), function: functionCall.optional() })).nullish(),
});

const tool = z.looseObject({
  type: z.literal('function'),
  function: z.looseObject({
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
  }),
});
const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: z.string() }) }),
]);
const responseFormat = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text') }),
  z.looseObject({ type: z.literal('json_object') }),
  z.looseObject({
    type: z.literal('json_schema'),
    json_schema: z.looseObject({ name: z.string(), schema: z.record(z.string(), z.unknown()).nullish() }),
  }),
]);

const positiveInteger = z.number().int().min(1);

export const chatRequestSchema = z.looseObject({
  model: z.string().min(1),
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
  stream_options: z
    .looseObject({ include_usage: z.boolean().nullish(), chunk_include_usage: z.boolean().nullish() })
    .nullish(),
  n: positiveInteger.max(128).nullish(),
  max_tokens: positiveInteger.nullish(),
  max_completion_tokens: positiveInteger.nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.number().int().nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.number().int().min(0).max(20).nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: responseFormat.nullish(),
  reasoning_effort: z.string().nullish(),
  enable_thinking: z.boolean().nullish(),
  thinking: z.looseObject({ type: z.enum(['enabled', 'disabled', 'auto']) }).nullish(),
});

export type ChatRequest = z.infer<typeof chatRequestSchema>;
export type ChatMessage = ChatRequest['messages'][number];
type MessagePart = Exclude<NonNullable<ChatMessage['content']>, string>[number];
export type ChatTool = NonNullable<ChatRequest['tools']>[number];

/** A message's text: its content, or the texts and documents of its parts. */
export function messageText(message: ChatMessage): string {
  const { content } = message;
  if (typeof content === 'string') return content;
  return (content ?? [])
    .flatMap((part) => {
      if (isFilePart(part)) return [documentText(part.file.file_data) ?? ''];
      return 'text' in part && typeof part.text === 'string' ? [part.text] : [];
    })
    .join(' ');
}

function isFilePart(part: MessagePart): part is z.infer<typeof filePart> {
  return part.type === 'file';
}

/** Documents of a message, as they were sent. */
export function messageDocuments({ content }: ChatMessage): string[] {
  return Array.isArray(content) ? content.filter(isFilePart).map(({ file }) => file.file_data) : [];
}

/** Addresses of the images in a message, as they were sent. */
export function messageImages(message: ChatMessage): { url: string; detail: string }[] {
  if (!Array.isArray(message.content)) return [];
  return message.content.flatMap((part) =>
    part.type === 'image_url' && 'image_url' in part
      ? [{ url: part.image_url.url, detail: part.image_url.detail ?? 'auto' }]
      : [],
  );
}

/** The text the answer is made of: the last thing a user said. */
export function lastUserText(request: ChatRequest): string {
  const last = request.messages.findLast((one) => one.role === 'user') ?? request.messages.at(-1);
  return last === undefined ? '' : messageText(last);
}
