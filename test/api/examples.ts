/** The examples of the API document, sent one after another. */
import assert from 'node:assert/strict';
import { EXAMPLES, type Example, filledExample } from '../../api/examples.ts';
import { readContract } from '../e2e/api-fetch.ts';
import type { Product } from '../e2e/product.ts';
import { until } from '../until.ts';
import { ask, type RawAnswer, type RawCall, signIn, textAt } from './asking.ts';
import { type DescribedRoute, describedRoutes, filledPath } from './described.ts';

/** Stands in the examples for an address that takes webhooks. */
export const WEBHOOK_URL = 'https://client.example/webhooks';

export interface SentExample {
  readonly example: Example;
  readonly method: string;
  readonly path: string;
  readonly answer: RawAnswer;
}

/** @throws {AssertionError} when the product answers otherwise than the document says. */
export async function sendExamples(product: Product, webhookUrl: string): Promise<SentExample[]> {
  const [api] = product.apis;
  assert.ok(api);
  const routes = new Map((await describedRoutes(api)).map((route) => [route.operationId, route]));
  const root = await signIn(api, 'root', product.rootPassword);
  const answers = new Map<string, RawAnswer>();
  const sent: SentExample[] = [];
  for (const example of EXAMPLES) {
    const { operationId, status } = example;
    const route = routes.get(operationId);
    assert.ok(route, `there is no operation ${operationId}`);
    const call: SentCall = callOf(
      route,
      filledExample(example, valuesOf(answers)),
      bearerFor(route, root, answers),
      webhookUrl,
    );
    const send = (): Promise<RawAnswer> => ask(api, route.method, call.path, call);
    const answer = example.until ? await answerUntil(example.until, operationId, send) : await send();
    assert.equal(answer.status, status, `${operationId}: ${answer.text}`);
    answers.set(operationId, answer);
    sent.push({ example, method: route.method, path: call.path.replace(/\?.*/, ''), answer });
  }
  return sent;
}

/** @throws {AssertionError} when the answer that the document shows is not one that it describes. */
export async function checkRecorded(product: Product, sent: readonly SentExample[]): Promise<void> {
  const contract = await readContract(product.apis[0]?.url ?? '');
  for (const { method, path, example } of sent) {
    const { status, answer } = example;
    if (typeof answer !== 'object') continue;
    contract.check({ method, path, status, contentType: 'application/json', text: JSON.stringify(answer) });
  }
}

/** The user and the access key of the examples, or an administrator where these may not call. */
function bearerFor(route: DescribedRoute, root: string, answers: ReadonlyMap<string, RawAnswer>): string | undefined {
  if (route.forAdministrators || route.needsNoCaller) return root;
  const signedIn = answers.get('signIn');
  if (route.takesToken && signedIn) return textAt(signedIn, 'data.token');
  const key = answers.get('createAccessKey');
  return route.takesKey && key ? textAt(key, 'data.keyValue') : undefined;
}

type SentCall = RawCall & { readonly path: string };

function callOf(route: DescribedRoute, example: Example, bearer: string | undefined, webhookUrl: string): SentCall {
  const { params, query, headers, body } = example;
  const search = searchOf(query).toString();
  const path = `${filledPath(route, (name) => String(params[name]))}${search === '' ? '' : `?${search}`}`;
  if (body === undefined) return { path, headers, bearer };
  if (route.bodyFields) {
    return { path, headers, bearer, body: JSON.stringify(body).replaceAll(WEBHOOK_URL, webhookUrl) };
  }
  const form = searchOf(body);
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  return { path, headers: { ...headers, ...type }, bearer, body: form.toString() };
}

function searchOf(fields: object): URLSearchParams {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) search.set(name, String(value));
  return search;
}

async function answerUntil(
  { at, is }: NonNullable<Example['until']>,
  operationId: string,
  send: () => Promise<RawAnswer>,
): Promise<RawAnswer> {
  let answer = await send();
  await until(`${operationId}: ${at} is ${String(is)}`, async () => {
    if (answer.at(at) === is) return true;
    answer = await send();
    return answer.at(at) === is;
  });
  return answer;
}

function valuesOf(answers: ReadonlyMap<string, RawAnswer>): Map<string, unknown> {
  return new Map([...answers].map(([operationId, { text }]) => [operationId, jsonOf(text)]));
}

/** JSON, or the text itself. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
