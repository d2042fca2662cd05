import { BLANK_MODEL } from './model-input.ts';
import type { Model } from './model-record.ts';

/** A chat model without a price, with these fields. */
export function testModel(modelIdentifier: string, fields: Partial<Model> = {}): Model {
  return {
    ...BLANK_MODEL,
    id: 7,
    displayName: modelIdentifier,
    modelIdentifier,
    capabilities: ['text-to-text'],
    providerId: 1,
    providerName: 'p',
    kind: 'openai',
    urlBase: '',
    price: null,
    priceVersion: null,
    createdAt: new Date(0),
    updatedAt: new Date(0),
    ...fields,
  };
}
