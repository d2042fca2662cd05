/** The events of a response that is known as a whole, as its stream would have sent them. The same each time. Pure. */
import { listIn, textIn } from '../../../core/providers/message.ts';
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import type { ResponseEvent } from './answer.ts';

/** @param pending the response before anything was said. */
export function beginningOf(pending: Json): ResponseEvent[] {
  const begun = { ...pending, status: 'in_progress' };
  return [
    { type: 'response.created', fields: { response: pending } },
    { type: 'response.queued', fields: { response: pending } },
    { type: 'response.in_progress', fields: { response: begun } },
  ];
}

/** What follows the beginning. */
export function restOf(response: Json): ResponseEvent[] {
  const items = listIn(response.output).filter(isJsonObject);
  const status = textIn(response.status);
  // There is no event for one that was cancelled: it is incomplete.
  const end = ['completed', 'failed'].includes(status) ? status : 'incomplete';
  return [...items.flatMap(itemEvents), { type: `response.${end}`, fields: { response } }];
}

function itemEvents(item: Json, output_index: number): ResponseEvent[] {
  const at = { item_id: item.id, output_index };
  const event = (type: string, fields: Json): ResponseEvent => ({ type: `response.${type}`, fields });
  const inside = (type: string, fields: Json): ResponseEvent => event(type, { ...at, ...fields });
  const around = (begun: Json, between: readonly ResponseEvent[]): ResponseEvent[] => [
    event('output_item.added', { output_index, item: { ...item, status: 'in_progress', ...begun } }),
    ...between,
    event('output_item.done', { output_index, item }),
  ];
  switch (item.type) {
    case 'message':
      return around(
        { content: [] },
        listIn(item.content).flatMap((part, content_index) =>
          isJsonObject(part) ? partEvents(part, (type, fields) => inside(type, { content_index, ...fields })) : [],
        ),
      );
    case 'reasoning':
      return around(
        { summary: [] },
        listIn(item.summary).flatMap((part, summary_index) => {
          if (!isJsonObject(part)) return [];
          return [
            inside('reasoning_summary_part.added', { summary_index, part: { ...part, text: '' } }),
            inside('reasoning_summary_text.delta', { summary_index, delta: part.text }),
            inside('reasoning_summary_text.done', { summary_index, text: part.text }),
            inside('reasoning_summary_part.done', { summary_index, part }),
          ];
        }),
      );
    case 'function_call':
      return around({ arguments: '' }, [
        inside('function_call_arguments.delta', { delta: item.arguments }),
        inside('function_call_arguments.done', { name: item.name, arguments: item.arguments }),
      ]);
    case 'custom_tool_call':
      return around({ input: '' }, [
        inside('custom_tool_call_input.delta', { delta: item.input }),
        inside('custom_tool_call_input.done', { input: item.input }),
      ]);
    default:
      return around({}, []);
  }
}

function partEvents(part: Json, inside: (type: string, fields: Json) => ResponseEvent): ResponseEvent[] {
  if (part.type === 'refusal') {
    return [
      inside('content_part.added', { part: { ...part, refusal: '' } }),
      inside('refusal.delta', { delta: part.refusal }),
      inside('refusal.done', { refusal: part.refusal }),
      inside('content_part.done', { part }),
    ];
  }
  const logprobs = listIn(part.logprobs);
  return [
    inside('content_part.added', { part: { ...part, text: '', annotations: [], logprobs: [] } }),
    inside('output_text.delta', { delta: part.text, logprobs }),
    ...listIn(part.annotations).map((annotation, annotation_index) =>
      inside('output_text.annotation.added', { annotation_index, annotation }),
    ),
    inside('output_text.done', { text: part.text, logprobs }),
    inside('content_part.done', { part }),
  ];
}
