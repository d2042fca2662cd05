/** What `npm run provider` shows of the models it made, and of those that have gone. Pure. */

import type { Model } from '../core/catalog/model-record.ts';
import type { VendorCheck } from '../core/catalog/vendor-check.ts';
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

/** A vendor may list hundreds. */
const MOST_NEW = 50;

/** What a check found, one line a model. */
export function checkLines({ gone, fresh }: VendorCheck): string[] {
  const goneLines = gone.map(({ name, models }) => {
    const callers = models.map(
      ({ id, modelIdentifier, online }) => `${modelIdentifier} (id ${id}${online ? ', online' : ''})`,
    );
    return `  ${name}: ${callers.length > 0 ? `called by ${callers.join(', ')}` : 'in the preset only'}`;
  });
  const more = fresh.length - MOST_NEW;
  return [
    ...(gone.length === 0 ? ['Nothing has gone.'] : ['Gone:', ...goneLines]),
    ...(fresh.length === 0 ? [] : ['New:', ...fresh.slice(0, MOST_NEW).map((id) => `  ${id}`)]),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}
