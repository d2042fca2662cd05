/** Calls of an API process whose answers are looked at as they are, in whichever form. */
import assert from 'node:assert/strict';
import type { Service } from '../../devstack/services.ts';
import { apiFetch } from '../e2e/api-fetch.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The value at a path such as `data.errors.0.path`; undefined without one or if the body is not JSON. */
  at(path: string): unknown;
}

export interface RawCall {
  /** A login token, or an access key when it starts with `ak-`. */
  readonly bearer?: string | undefined;
  /** Sent as it is when it is text, else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Limits by address are kept in the servers that all tests share: each run has an address of its own. */
const RUN_ADDRESS = `10.${[0, 0, 0].map(() => Math.floor(Math.random() * 256)).join('.')}`;
/** With this setting the API believes it. */
export const OWN_ADDRESSES = { TRUSTED_PROXY_HOPS: '1' };

const CALL_WITHIN_MS = 20_000;

export async function ask(
  api: Service | undefined,
  method: string,
  path: string,
  call: RawCall = {},
): Promise<RawAnswer> {
  assert.ok(api, 'there is no such API process');
  const { bearer, body, headers } = call;
  const response = await apiFetch(api.url + path, {
    method,
    headers: {
      'x-forwarded-for': RUN_ADDRESS,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(CALL_WITHIN_MS),
  });
  return rawAnswerOf(response);
}

/** An edit of images as a form. */
export async function askForm(apiUrl: string, key: string, body: FormData): Promise<RawAnswer> {
  const headers = { authorization: `Bearer ${key}` };
  const signal = AbortSignal.timeout(CALL_WITHIN_MS);
  return rawAnswerOf(await apiFetch(`${apiUrl}/v1/images/edits`, { method: 'POST', headers, body, signal }));
}

async function rawAnswerOf(response: Response): Promise<RawAnswer> {
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, at: (at) => valueAt(text, at) };
}

function valueAt(text: string, path: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** Text at a path of an answer. */
export function textAt(answer: RawAnswer, path: string): string {
  const value = answer.at(path);
  assert.equal(typeof value, 'string', `${path} of ${answer.text.slice(0, 300)}`);
  return String(value);
}

/** A number at a path of an answer. */
export function numberAt(answer: RawAnswer, path: string): number {
  const value = answer.at(path);
  assert.equal(typeof value, 'number', `${path} of ${answer.text.slice(0, 300)}`);
  return Number(value);
}

export async function signIn(api: Service | undefined, username: string, password: string): Promise<string> {
  return textAt(await ask(api, 'POST', '/v1/auth/login', { body: { username, password } }), 'data.token');
}

export interface Person {
  readonly id: number;
  readonly username: string;
  readonly password: string;
  readonly token: string;
}

let people = 0;

/** A user made by ROOT. */
export async function newPerson(
  api: Service | undefined,
  root: string,
  role: string,
  balance: number,
): Promise<Person> {
  people += 1;
  const username = `person-${process.pid}-${people}`;
  const password = `password of ${username}`;
  const made = await ask(api, 'POST', '/v1/users', { bearer: root, body: { username, password, role, balance } });
  assert.equal(made.status, 200, made.text);
  return { id: numberAt(made, 'data.id'), username, password, token: await signIn(api, username, password) };
}

/** A new access key of the bearer. */
export async function newKey(
  api: Service | undefined,
  token: string,
  body: object = {},
): Promise<{ id: number; text: string }> {
  const made = await ask(api, 'POST', '/v1/access-keys', { bearer: token, body });
  return { id: numberAt(made, 'data.id'), text: textAt(made, 'data.keyValue') };
}
