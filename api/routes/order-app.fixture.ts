/** For tests: the routes of orders behind the real middleware, on a ledger in memory. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { TestContext } from 'node:test';
import { Router } from '@koa/router';
import Koa from 'koa';
import pino from 'pino';
import type { Orders } from '../../activities/orders/orders.ts';
import type { Payments } from '../../activities/orders/payments.ts';
import type { Role, UserCaller } from '../../core/accounts/caller.ts';
import { AppError } from '../../infra/errors.ts';
import { Contract } from '../http/contract.fixture.ts';
import { dispatch } from '../http/dispatch.ts';
import type { ApiState } from '../http/route-input.ts';
import { errorAnswers } from '../middleware/errors.ts';
import { traceIds } from '../middleware/observe.ts';
import { orderRoutes } from './orders.ts';
import { paymentRoutes } from './payments.ts';

/** A token is `<user id>:<role>`. */
export function tokenOf(userId: number, role: Role = 'ROLE_USER'): string {
  return `${userId}:${role}`;
}

function userOf(token: string): UserCaller {
  const [id = '', role = ''] = token.split(':');
  if (role !== 'ROLE_USER' && role !== 'ROLE_ROOT_ADMIN') throw new AppError('invalidToken', 'no such token');
  return { kind: 'user', userId: Number(id), username: `user-${id}`, role, tokenVersion: 1 };
}

interface Answer {
  readonly status: number;
  readonly text: string;
  /** The parsed envelope. */
  readonly json: () => { code: number; data: Record<string, unknown> | null };
}

export interface OrderApp {
  readonly get: (path: string, token?: string) => Promise<Answer>;
  /** A string is sent as it is. */
  readonly post: (path: string, body: object | string, headers?: Record<string, string>) => Promise<Answer>;
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** Serves until the test is over; answers must be as the document of the routes describes them. */
export async function startOrderApp(
  test: TestContext,
  services: { orders: Orders; payments: Payments },
): Promise<OrderApp> {
  const logger = pino({ level: 'silent' });
  const config = { APP_TIME_ZONE: 'Asia/Shanghai' };
  const app = new Koa<ApiState>();
  const router = new Router<ApiState>();
  const dispatchServices = {
    logger,
    refusedCalls: { note: () => undefined },
    authenticator: {
      authenticateToken: userOf,
      authenticateKey: () => {
        throw new AppError('notAuthenticated', 'no keys here');
      },
      authenticateKeyOf: async () => {
        throw new AppError('notAuthenticated', 'no keys here');
      },
    },
    idempotency: {
      run: (_scope: string, key: string, _body: Uint8Array, handler: (id: string) => Promise<never>) => handler(key),
    },
  };
  const userList = { idOf: async () => undefined, names: async () => new Map<number, string>() };
  const routes = [...orderRoutes({ ...services, userList }, config), ...paymentRoutes(services, config)];
  const contract = Contract.of(routes);
  for (const route of routes) {
    router.register(route.path, [route.method], dispatch(route, dispatchServices));
  }
  app.use(traceIds()).use(errorAnswers(logger)).use(router.routes());
  const server = createServer(app.callback()).listen(0, '127.0.0.1');
  test.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  const base = `http://127.0.0.1:${address.port}`;
  const ask = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(base + path, init);
    const text = await response.text();
    const contentType = response.headers.get('content-type');
    const method = init.method ?? 'GET';
    contract.check({ method, path: path.replace(/\?.*/, ''), status: response.status, contentType, text });
    return { status: response.status, text, json: () => JSON.parse(text) };
  };
  return {
    get: (path, token) => ask(path, token === undefined ? {} : { headers: bearer(token) }),
    post: (path, body, headers = {}) =>
      ask(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  };
}
