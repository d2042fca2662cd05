/** Checks a chat request beyond its shape; every vendor's own error class is made by its `Vendor`. */
import type { z } from 'zod';
import { documentText } from '../content/document-input.ts';
import { readImageInput } from '../content/image-input.ts';
import { SchemaUnsupported, schemaInstance } from '../content/schema-instance.ts';
import type { Vendor } from '../vendor.ts';
import { type ChatRequest, chatRequestSchema, messageDocuments, messageImages, messageText } from './request.ts';

interface ModelAbilities {
  vision: boolean;
}

/** @throws VendorError naming the first field that is wrong. */
export function checkChatRequest(body: Record<string, unknown>, model: ModelAbilities, vendor: Vendor): ChatRequest {
  const parsed = chatRequestSchema.safeParse(body);
  if (!parsed.success) throw shapeError(parsed.error, vendor);
  const request = parsed.data;
  if (request.max_tokens != null && request.max_completion_tokens != null) {
    throw vendor.error(
      'bad_request',
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      'max_tokens',
    );
  }
  if (request.top_logprobs != null && !request.logprobs) {
    throw vendor.error(
      'bad_request',
      "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
      'top_logprobs',
    );
  }
  if (request.stream_options != null && request.stream !== true) {
    throw vendor.error(
      'bad_request',
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      'stream_options',
    );
  }
  checkTools(request, vendor);
  checkFormat(request, vendor);
  checkImages(request, model, vendor);
  checkDocuments(request, model, vendor);
  return request;
}

function shapeError(error: z.ZodError, vendor: Vendor): Error {
  const issue = error.issues[0];
  const param = (issue?.path ?? [])
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .slice(1);
  if (issue?.code === 'invalid_type' && issue.message.endsWith('received undefined')) {
    return vendor.error('bad_request', `Missing required parameter: '${param}'.`, param);
  }
  return vendor.error('bad_request', `Invalid value for '${param}': ${issue?.message ?? 'not accepted'}.`, param);
}

function checkTools(request: ChatRequest, vendor: Vendor): void {
  if (request.tools?.length === 0) throw vendor.error('bad_request', "[] is too short - 'tools'", 'tools');
  if (request.parallel_tool_calls != null && !request.tools) {
    const text = "'parallel_tool_calls' is only allowed when 'tools' are specified.";
    throw vendor.error('bad_request', text, 'parallel_tool_calls');
  }
  const names = new Set((request.tools ?? []).map((tool) => tool.function.name));
  const choice = request.tool_choice;
  if (choice != null && choice !== 'none' && names.size === 0) {
    throw vendor.error('bad_request', "'tool_choice' is only allowed when 'tools' are specified.", 'tool_choice');
  }
  if (typeof choice === 'object' && choice !== null && !names.has(choice.function.name)) {
    throw vendor.error(
      'bad_request',
      `Tool choice '${choice.function.name}' not found in 'tools' parameter.`,
      'tool_choice',
    );
  }
  const open = new Set<string>();
  for (const [index, message] of request.messages.entries()) {
    for (const call of message.tool_calls ?? []) open.add(call.id);
    if (message.role === 'tool' && !open.delete(message.tool_call_id ?? '')) {
      const text =
        "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.";
      throw vendor.error('bad_request', text, `messages[${index}].role`);
    }
  }
}

function checkFormat(request: ChatRequest, vendor: Vendor): void {
  const format = request.response_format;
  if (format?.type === 'json_object' && !request.messages.some((message) => /json/i.test(messageText(message)))) {
    const text =
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
    throw vendor.error('bad_request', text, 'messages');
  }
  const schemas = [
    ...(format?.type === 'json_schema' ? [{ schema: format.json_schema.schema, param: 'response_format' }] : []),
    ...(request.tools ?? []).map((tool, index) => ({
      schema: tool.function.parameters,
      param: `tools[${index}].function.parameters`,
    })),
  ];
  for (const { schema, param } of schemas) {
    try {
      schemaInstance(schema ?? {}, 0);
    } catch (error) {
      if (!(error instanceof SchemaUnsupported)) throw error;
      throw vendor.error('bad_request', `Invalid schema for '${param}': ${error.message}.`, param);
    }
  }
}

function checkImages(request: ChatRequest, model: ModelAbilities, vendor: Vendor): void {
  for (const [index, message] of request.messages.entries()) {
    for (const image of messageImages(message)) {
      const param = `messages[${index}].content`;
      if (!model.vision) {
        throw vendor.error(
          'bad_request',
          'Invalid content type. image_url is only supported by certain models.',
          param,
        );
      }
      const input = readImageInput(image.url);
      if (input.kind === 'invalid') throw vendor.error('bad_request', `The image ${input.reason}.`, param);
    }
  }
}

function checkDocuments(request: ChatRequest, model: ModelAbilities, vendor: Vendor): void {
  for (const [index, message] of request.messages.entries()) {
    for (const document of messageDocuments(message)) {
      const param = `messages[${index}].content`;
      if (!model.vision) {
        throw vendor.error('bad_request', 'Invalid content type. file is only supported by certain models.', param);
      }
      if (/^https?:/i.test(document) || documentText(document) === undefined) {
        const text =
          "Invalid file data: 'file_data'. Expected a base64-encoded data URL with an application/pdf MIME type.";
        throw vendor.error('bad_request', text, param);
      }
    }
  }
}
