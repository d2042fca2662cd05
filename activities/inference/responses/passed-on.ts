/**
 * Answers of models that are asked by /responses themselves: they pass as they are, but for what is the gateway's own. Ids
 * name the call, so that responses and items are found again here. Pure.
 */
import { listIn } from '../../../core/providers/message.ts';
import { isJsonObject, type JsonObject as Json } from '../../../infra/json-object.ts';
import { type ResponseEvent, type ResponseFailure, responseIdOf, responseItemId } from './answer.ts';
import type { ResponsesInput } from './request.ts';

const LAST_EVENTS = new Set(['response.completed', 'response.incomplete']);
/** Of the gateway: what the provider says of them is about the request as it was sent there. */
const OWN = ['background', 'conversation', 'metadata', 'previous_response_id', 'store'];

export class PassedOnResponse {
  readonly #input: ResponsesInput;
  readonly #id: string;
  readonly #model: string;
  /** As far as it is known. */
  #response: Json;
  #hasBegun = false;
  /** It waits for the charge. */
  #lastType = 'response.completed';

  /** @param model as it was asked for. */
  constructor(input: ResponsesInput, requestId: string, model: string) {
    this.#input = input;
    this.#id = responseIdOf(requestId);
    this.#model = model;
    this.#response = this.#own({ object: 'response', created_at: input.createdAt, status: 'in_progress', output: [] });
  }

  /** An event of the provider; or a whole response, of which nothing is sent before its end. */
  add(event: Json): ResponseEvent[] {
    const { type, sequence_number: _, ...fields } = event;
    if (typeof type !== 'string') {
      this.#response = this.#own(event);
      return [];
    }
    if (isJsonObject(fields.response)) {
      this.#response = this.#own(fields.response);
      if (LAST_EVENTS.has(type)) {
        this.#lastType = type;
        return [];
      }
      this.#hasBegun = true;
      return [{ type, fields: { ...fields, response: this.#response } }];
    }
    const { item_id: itemId, item, output_index: place } = fields;
    return [
      {
        type,
        fields: {
          ...fields,
          ...(typeof itemId === 'string' ? { item_id: this.#itemId(itemId, place) } : {}),
          ...(isJsonObject(item) ? { item: this.#item(item, place) } : {}),
        },
      },
    ];
  }

  /** @param usage what was charged, in the words of responses. */
  end(usage: Json): { readonly events: ResponseEvent[]; readonly response: Json } {
    const said = isJsonObject(this.#response.usage) ? this.#response.usage : {};
    const response = { ...this.#response, usage: { ...said, ...usage } };
    return { events: [{ type: this.#lastType, fields: { response } }], response };
  }

  fail(error: ResponseFailure): { readonly events: ResponseEvent[]; readonly response: Json } {
    const begun = this.#hasBegun ? [] : [{ type: 'response.created', fields: { response: this.#response } }];
    const response = { ...this.#response, status: 'failed', error };
    return { events: [...begun, { type: 'response.failed', fields: { response } }], response };
  }

  #own(response: Json): Json {
    const own = Object.entries(this.#input.echo).filter(([name]) => OWN.includes(name));
    const output = listIn(response.output).map((item, place) => (isJsonObject(item) ? this.#item(item, place) : item));
    return { ...response, ...Object.fromEntries(own), id: this.#id, model: this.#model, output };
  }

  #item(item: Json, place: unknown): Json {
    return typeof item.id === 'string' ? { ...item, id: this.#itemId(item.id, place) } : item;
  }

  /** Begins as the provider's: clients go by what stands before the first underscore. */
  #itemId(id: string, place: unknown): string {
    const prefix = /^[a-z]+(?=_)/.exec(id)?.[0] ?? 'item';
    return typeof place === 'number' ? responseItemId(prefix, this.#id, place) : id;
  }
}
