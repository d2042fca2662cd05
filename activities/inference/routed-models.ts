/** The catalog's models in the order in which calls that name none try them. */

import type { ModelSource } from '../../core/catalog/model.ts';
import type { KeyPool } from '../../core/key-pool/key-pool.ts';
import { type RoutingStrategy, routed } from './routing.ts';

export function routedModels(
  source: ModelSource,
  strategy: RoutingStrategy,
  pool: Pick<KeyPool, 'standing'>,
): ModelSource {
  return {
    named: (name, capability) => source.named(name, capability),
    capable: (capability) =>
      routed(source.capable(capability), strategy, ({ providerId, modelId }) => pool.standing(providerId, modelId)),
    // Jobs keep the order in which they were held for.
    pricedAt: (priceIds) => source.pricedAt(priceIds),
  };
}
