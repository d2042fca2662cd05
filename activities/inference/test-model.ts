/** A model for tests: a prompt of a million tokens costs 1,000 nano-units, as many tokens of an answer 2,000. */
import type { PricedModel } from '../../core/catalog/model.ts';
import { NO_RATES } from '../../core/ledger/price.ts';

export const TEST_MODEL: PricedModel = {
  modelId: 1,
  modelIdentifier: 'm',
  providerId: 1,
  providerName: 'p',
  kind: 'openai',
  urlBase: 'http://provider.example/v1',
  upstreamModel: 'm',
  priority: 1,
  capabilities: new Set(['text-to-text']),
  price: { ...NO_RATES, id: 1, input: 1_000n, output: 2_000n },
  contextWindow: null,
  maxOutputTokens: null,
  defaultMaxTokens: null,
  tokensPerImage: 0,
  pricedFields: new Set(),
  needs: {},
};
