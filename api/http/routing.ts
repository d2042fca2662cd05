/** From a request to the declared route that answers it. */
import { Router } from '@koa/router';
import type Koa from 'koa';
import type { Middleware } from 'koa';
import { AppError } from '../../infra/errors.ts';
import { type DispatchServices, dispatch } from './dispatch.ts';
import type { Route } from './route.ts';
import type { ApiState } from './route-input.ts';

/**
 * The router tries every pattern in turn, 40 µs a request with all of ours; every inference path is a fixed one and
 * found by one look into a map. So `/v1/providers/presets` also comes before `/v1/providers/{id}`.
 */
export function useRoutes(app: Koa<ApiState>, routes: readonly Route[], services: DispatchServices): void {
  const router = new Router<ApiState>({ sensitive: true });
  const fixed = new Map<string, Middleware<ApiState>>();
  for (const route of routes) {
    const method = route.method.toUpperCase();
    const middleware = dispatch(route, services);
    const pattern = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
    router.register(route.slashes ? pattern.replace(/:(\w+)$/, '*$1') : pattern, [method], middleware);
    if (!route.path.includes('{')) fixed.set(`${method} ${route.path}`, middleware);
  }
  app.use(fixedPaths(fixed));
  app.use(router.routes());
  app.use(noRoute(router));
}

function fixedPaths(fixed: ReadonlyMap<string, Middleware<ApiState>>): Middleware<ApiState> {
  return (ctx, next) => {
    const method = ctx.method === 'HEAD' ? 'GET' : ctx.method;
    const middleware = fixed.get(`${method} ${ctx.path}`);
    return middleware === undefined ? next() : middleware(ctx, next);
  };
}

/** 404, or 405 with the methods that the path has. */
function noRoute(router: Router<ApiState>): Middleware<ApiState> {
  return (ctx) => {
    const methods = [...new Set(router.match(ctx.path, ctx.method).path.flatMap((layer) => layer.methods))];
    if (methods.length === 0) throw new AppError('noSuchPath', 'there is nothing at this path');
    ctx.set('Allow', methods.join(', '));
    if (ctx.method !== 'OPTIONS') throw new AppError('methodNotAllowed', `allowed here: ${methods.join(', ')}`);
    ctx.status = 204;
  };
}
