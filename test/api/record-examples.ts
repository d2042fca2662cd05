/**
 * Writes the answers of a running product into the examples of the API document:
 * `TEST_STACK=FOLDER node test/api/record-examples.ts`, then `biome format --write`; with `new` only those that have no
 * answer yet. Look at the difference before it is committed.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProduct } from '../e2e/product.ts';
import { startReceiver } from '../webhooks/receiver.ts';
import { OWN_ADDRESSES, type RawAnswer } from './asking.ts';
import { jsonOf, sendExamples, WEBHOOK_URL } from './examples.ts';

const MOST_CHARACTERS = 300;
const MOST_ITEMS = 3;
const onlyNew = process.argv[2] === 'new';

const receiver = await startReceiver();
const webhookUrl = `http://127.0.0.1:${receiver.port}/webhooks`;
const product = await startProduct({
  name: 'record-examples',
  settings: {
    ...OWN_ADDRESSES,
    PUBLIC_URL: 'http://localhost:8060',
    WEBHOOK_PRIVATE_HOSTS: `127.0.0.1:${receiver.port}`,
  },
});
try {
  const sent = await sendExamples(product, webhookUrl);
  const recorded = sent.map(({ example, answer }) => ({
    operationId: example.operationId,
    ...presentParts({ params: example.params, query: example.query, headers: example.headers }),
    ...(example.body === undefined ? {} : { body: example.body }),
    ...(example.until === undefined ? {} : { until: example.until }),
    status: example.status,
    answer: onlyNew && example.answer !== undefined ? example.answer : answerOf(answer),
  }));
  writeFileSync(join(import.meta.dirname, '../../api/examples.json'), `${JSON.stringify(recorded, null, 2)}\n`);
} finally {
  await product.close();
  receiver.close();
}

function answerOf({ headers, text }: RawAnswer): unknown {
  if (headers.get('content-type')?.startsWith('image/')) return '(the bytes of the image)';
  const named = text.replaceAll(webhookUrl, WEBHOOK_URL).replaceAll(product.simulator.url, 'http://127.0.0.1:8070');
  return shown(jsonOf(named), '');
}

function presentParts(parts: Readonly<Record<string, object>>): object {
  return Object.fromEntries(Object.entries(parts).filter(([, fields]) => Object.keys(fields).length > 0));
}

/** Without what is secret, even if it has ended, and without what only makes the document long. */
function shown(value: unknown, name: string): unknown {
  if (typeof value === 'string') {
    if (name === 'token') return 'eyJhbGciOiJIUzI1NiJ9…';
    if (name === 'keyValue') return 'ak-…';
    if (name === 'secret') return 'whsec_…';
    const text = value.replaceAll(/signature=[\w-]+/g, 'signature=…');
    return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
  }
  if (Array.isArray(value)) return value.slice(0, MOST_ITEMS).map((item) => shown(item, name));
  if (typeof value !== 'object' || value === null) return value;
  if (name === 'paths' || name === 'components') return {};
  return Object.fromEntries(Object.entries(value).map(([field, member]) => [field, shown(member, field)]));
}
