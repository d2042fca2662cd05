/** Routes behind the real middleware, for tests; a token or key names its caller. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Router } from '@koa/router';
import Koa from 'koa';
import { Contract } from '../../api/http/contract.fixture.ts';
import { dispatch } from '../../api/http/dispatch.ts';
import type { Route } from '../../api/http/route.ts';
import type { ApiState } from '../../api/http/route-input.ts';
import { errorAnswers } from '../../api/middleware/errors.ts';
import { traceIds } from '../../api/middleware/observe.ts';
import { type AccessKeyCaller, ROLES, type UserCaller } from '../../core/accounts/caller.ts';
import { AppError } from '../../infra/errors.ts';
import { SILENT } from './usage-world.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** `data` of the envelope. */
  readonly data: unknown;
}

export interface RouteApp {
  ask(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Answer>;
  close(): void;
}

export function asUser(userId: number, role: UserCaller['role'] = 'ROLE_USER'): Record<string, string> {
  return { authorization: `Bearer ${userId}:${role}` };
}

export function withKeyOf(userId: number): Record<string, string> {
  return { 'access-key': `ak-${userId}` };
}

function userOf(token: string): UserCaller {
  const [id = '', name = ''] = token.split(':');
  const role = ROLES.find((known) => known === name);
  if (!role) throw new AppError('invalidToken', 'no such token');
  return { kind: 'user', userId: Number(id), username: `user-${id}`, role, tokenVersion: 1 };
}

function keyOf(text: string): AccessKeyCaller {
  const userId = Number(text.slice(3));
  return {
    ...{ kind: 'access-key', userId, accountId: userId, accessKeyId: userId, allowedModels: null, rpmLimit: null },
    ...{ tpmLimit: null, parallelLimit: null, budget: null, budgetPeriod: null },
  };
}

/** Answers must be as the document of these routes describes them. */
export async function routeApp(routes: readonly Route[]): Promise<RouteApp> {
  const contract = Contract.of(routes);
  const app = new Koa<ApiState>();
  const router = new Router<ApiState>();
  const services = {
    logger: SILENT,
    refusedCalls: { note: () => undefined },
    authenticator: {
      authenticateToken: userOf,
      authenticateKey: keyOf,
      authenticateKeyOf: async (userId: number) => keyOf(`ak-${userId}`),
    },
    idempotency: {
      run: (_scope: string, key: string, _body: Uint8Array, handler: (id: string) => Promise<never>) => handler(key),
    },
  };
  const fixedFirst = [...routes].sort((a, b) => Number(a.path.includes('{')) - Number(b.path.includes('{')));
  for (const route of fixedFirst) {
    router.register(route.path.replaceAll(/\{(\w+)\}/g, ':$1'), [route.method], dispatch(route, services));
  }
  app.use(traceIds()).use(errorAnswers(SILENT)).use(router.routes());
  const server = createServer(app.callback()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    ask: async (method, path, headers, body) => {
      const init = body === undefined ? {} : { body: JSON.stringify(body) };
      const json = { 'content-type': 'application/json' };
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { ...headers, ...json },
        ...init,
      });
      const text = await response.text();
      const contentType = response.headers.get('content-type');
      contract.check({ method, path: path.replace(/\?.*/, ''), status: response.status, contentType, text });
      const isJson = contentType?.startsWith('application/json');
      return { status: response.status, text, headers: response.headers, data: isJson ? JSON.parse(text).data : null };
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
