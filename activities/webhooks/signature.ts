/** Standard Webhooks 1.0.0 (https://www.standardwebhooks.com): the headers that a receiver checks. Pure. */
import { Webhook } from 'standardwebhooks';

export const SECRET_PREFIX = 'whsec_';

/**
 * Headers of one message, signed with each secret (two while one is being replaced).
 * @param id the same at every try, so that a receiver knows a repetition.
 * @throws RangeError without a secret: a message is never sent unsigned.
 */
export function signedHeaders(secrets: readonly string[], id: string, at: Date, body: string): Record<string, string> {
  if (secrets.length === 0) throw new RangeError('a webhook needs a secret to be signed with');
  return {
    'content-type': 'application/json',
    'user-agent': 'llm-gateway-webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
  };
}
