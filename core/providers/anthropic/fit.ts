/** What a chat asks and Messages cannot say: said in another way, left out and named, or refused. Pure. */
import { invalid } from '../../../infra/errors.ts';
import { isJsonObject, isSet } from '../../../infra/json-object.ts';
import { offerAllowedTools, unmetIn } from '../fit.ts';
import { listIn, textIn } from '../message.ts';
import type { ChatBody } from '../provider.ts';
import { argumentsOf } from '../tool-calls.ts';
import { isBlank, namedChoice, WORDS } from './request.ts';

/**
 * @throws {AppError} invalidParameter for what is a part of the answer and not given, for a tool that is no function, for
 * a choice or a form of answers that Messages do not know, and for earlier calls whose arguments are broken: Messages have an object there.
 */
export function fitForMessages(chat: ChatBody): { readonly body: ChatBody; readonly leftOut: readonly string[] } {
  checkTools(chat);
  checkCalls(chat);
  checkFormat(chat);
  const unmet = unmetIn(chat, ['n', 'logprobs', 'top_logprobs']);
  if (unmet.length > 0) throw invalid(unmet);
  const body: ChatBody & Record<string, unknown> = { ...chat };
  offerAllowedTools(body);
  for (const path of ['tool_choice', 'function_call']) {
    const choice = body[path];
    if (choice === undefined || choice === null || namedChoice(choice) !== undefined) continue;
    throw invalid([{ path, message: 'must be auto, none, required, allowed tools, or a function of the request' }]);
  }
  const { stop } = chat;
  const stops = Array.isArray(stop) ? stop : stop === undefined ? [] : [stop];
  // They are refused by Anthropic.
  const kept = stops.filter((one) => !isBlank(one));
  const unknown = Object.keys(chat).filter((name) => !WORDS.has(name) && !UNSAID.has(name) && isSet(chat[name]));
  if (kept.length === stops.length) return { body, leftOut: unknown };
  const { stop: _, ...others } = body;
  return {
    body: { ...others, messages: chat.messages, ...(kept.length === 0 ? {} : { stop: kept }) },
    leftOut: [...unknown, 'stop'],
  };
}

/** Fields of a chat that ask for nothing here, or that say nothing of the answer. */
const UNSAID: ReadonlySet<string> = new Set([
  ...['n', 'logprobs', 'top_logprobs', 'model', 'stream', 'stream_options', 'store', 'safety_identifier'],
  ...['prompt_cache_key', 'prompt_cache_retention', 'prompt_cache_options'],
]);

/** @throws {AppError} invalidParameter: an answer in another form is not what was asked for. */
function checkFormat({ response_format: format }: ChatBody): void {
  if (!isSet(format) || isTakenFormat(format)) return;
  const message = 'must be text, json_object, or json_schema with a schema';
  throw invalid([{ path: 'response_format', message }]);
}

function isTakenFormat(format: unknown): boolean {
  if (!isJsonObject(format)) return false;
  if (format.type === 'text' || format.type === 'json_object') return true;
  return format.type === 'json_schema' && isJsonObject(format.json_schema) && isJsonObject(format.json_schema.schema);
}

/** The answers of others come in a form of their own, which Messages do not have. */
function checkTools({ tools }: ChatBody): void {
  listIn(tools).forEach((tool, index) => {
    if (isJsonObject(tool) && isJsonObject(tool.function)) return;
    const type = isJsonObject(tool) ? textIn(tool.type).slice(0, 100) : '';
    const isFunction = type === '' || type === 'function';
    throw invalid([
      isFunction
        ? { path: `tools[${index}].function`, message: 'is required' }
        : {
            path: `tools[${index}].type`,
            message: `"${type}" is a tool that this model does not take: only functions`,
          },
    ]);
  });
}

function checkCalls({ messages }: ChatBody): void {
  const errors = messages.flatMap((message, at) =>
    listIn(isJsonObject(message) ? message.tool_calls : undefined).flatMap((call, index) => {
      const called = isJsonObject(call) ? call.function : undefined;
      if (!isJsonObject(called) || argumentsOf(called.arguments) !== undefined) return [];
      const path = `messages[${at}].tool_calls[${index}].function.arguments`;
      return [{ path, message: 'must be a JSON object as text: this model takes no other' }];
    }),
  );
  if (errors.length > 0) throw invalid(errors);
}
