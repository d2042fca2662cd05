/** Declared routes behind the real middleware on a real socket, with callers made up by their text. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AccessKeyCaller, UserCaller } from '../core/accounts/caller.ts';
import { AppError } from '../infra/errors.ts';
import { createLogger } from '../infra/logger.ts';
import { createMetrics, type Metrics } from '../infra/metrics.ts';
import { applicationOf } from './application.ts';
import { Contract } from './http/contract.fixture.ts';
import type { Idempotency, KeptAnswer } from './http/idempotency.ts';
import type { Route } from './http/route.ts';

export interface TestApplication extends AsyncDisposable {
  readonly url: string;
  readonly metrics: Metrics;
  /** All lines of the log so far. */
  logText(): string;
  call(path: string, init?: RequestInit): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  header(name: string): string | null;
  /** What stands at a path such as `data.errors.0.path` of a JSON body; undefined when there is nothing. */
  at(path: string): unknown;
}

/** A key that itself contains a dot is not split: `paths./openapi.json.get`. */
function keysOf(path: string): string[] {
  return path.split(/\.(?!json)/);
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return {
    status: response.status,
    text,
    header: (name) => response.headers.get(name),
    at: (path) =>
      keysOf(path).reduce<unknown>((value, key) => {
        return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
      }, JSON.parse(text)),
  };
}

const USER: UserCaller = { kind: 'user', userId: 7, username: 'user', role: 'ROLE_USER', tokenVersion: 1 };
const ROOT: UserCaller = { ...USER, userId: 1, username: 'root', role: 'ROLE_ROOT_ADMIN' };
const KEY: AccessKeyCaller = {
  ...{ kind: 'access-key', userId: 7, accountId: 70, accessKeyId: 700, allowedModels: null },
  ...{ rpmLimit: null, tpmLimit: null, parallelLimit: null, budget: null, budgetPeriod: null },
};

/** The bearer tokens `user` and `root` and the access key `ak-good` are known. */
const authenticator = {
  authenticateToken(token: string): UserCaller {
    if (token === 'user') return USER;
    if (token === 'root') return ROOT;
    throw new AppError('invalidToken', 'the login token is not valid');
  },
  authenticateKey(key: string): AccessKeyCaller {
    if (key === 'ak-good') return KEY;
    throw new AppError('notAuthenticated', 'the access key is not known');
  },
  async authenticateKeyOf(userId: number, keyId: number): Promise<AccessKeyCaller> {
    if (userId === KEY.userId && keyId === KEY.accessKeyId) return KEY;
    throw new AppError('notFound', `there is no access key ${keyId}`);
  },
};

/** Keeps answers in memory. */
function memoryIdempotency(): Idempotency {
  const kept = new Map<string, KeptAnswer & { body: string }>();
  return {
    async run(scope, key, bytes, handler) {
      const body = Buffer.from(bytes).toString('base64');
      const before = kept.get(`${scope} ${key}`);
      if (before !== undefined && before.body !== body) throw new AppError('idempotencyMismatch', 'another body');
      if (before !== undefined) return before;
      const answer = await handler(key);
      kept.set(`${scope} ${key}`, { ...answer, body });
      return answer;
    },
  };
}

export async function serve(routes: readonly Route[]): Promise<TestApplication> {
  const contract = Contract.of(routes);
  const lines: string[] = [];
  const logger = createLogger('debug', { write: (line) => lines.push(line) });
  const metrics = createMetrics();
  const services = {
    authenticator,
    metrics,
    idempotency: memoryIdempotency(),
    refusedCalls: { note: () => undefined },
  };
  const config = {
    ...{ TRUSTED_PROXY_HOPS: 0, CORS_ORIGINS: ['http://web.test'], publicUrl: 'http://api.test' },
    ...{ APP_TIME_ZONE: 'Asia/Shanghai', CURRENCY: 'CNY', PAYMENT_SANDBOX: false },
  };
  const server = createServer(applicationOf(routes, services, config, logger).callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    metrics,
    logText: () => lines.join(''),
    call: async (path, init) => {
      const response = await fetch(url + path, init);
      const answer = await answerOf(response);
      const contentType = response.headers.get('content-type');
      const { pathname } = new URL(response.url);
      contract.check({
        method: init?.method ?? 'GET',
        path: pathname,
        status: answer.status,
        contentType,
        text: answer.text,
      });
      return answer;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
