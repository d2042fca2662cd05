/** What `npm run provider` shows of the models it made. Pure. */

import type { Model } from '../core/catalog/model-record.ts';
import { formatMoney } from '../core/ledger/money.ts';

/** One line a model: its prices in the installation's currency. */
export function priceLine(model: Model, currency: string): string {
  const { price } = model;
  if (price === null) return `  ${model.modelIdentifier}  (id ${model.id})  no price`;
  // Stored per million tokens, which is how vendors' lists are written.
  const tokens = [
    `input ${formatMoney(price.input)}`,
    ...(price.cachedInput === null ? [] : [`cached input ${formatMoney(price.cachedInput)}`]),
    `output ${formatMoney(price.output)}`,
  ];
  const parts = [
    ...(price.perImage > 0n ? [`${formatMoney(price.perImage)} ${currency} an image`] : []),
    ...(model.capabilities.some((capability) => capability.endsWith('-to-text'))
      ? [`${tokens.join(', ')} ${currency} a million tokens`]
      : []),
  ];
  return `  ${model.modelIdentifier}  (id ${model.id})  ${parts.join('; ')}`;
}

/** A call to copy. */
export function curlLine(publicUrl: string, modelIdentifier: string): string {
  const body = JSON.stringify({ model: modelIdentifier, messages: [{ role: 'user', content: 'Hello' }] });
  return [
    `curl ${publicUrl}/v1/chat/completions`,
    "-H 'Authorization: Bearer YOUR-ACCESS-KEY'",
    "-H 'Content-Type: application/json'",
    `-d '${body.replaceAll("'", "'\\''")}'`,
  ].join(' ');
}
