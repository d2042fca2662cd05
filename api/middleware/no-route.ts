/** Requests that no route took: 404, or 405 with the methods that the path has. */
import type { Router } from '@koa/router';
import type { Middleware } from 'koa';
import { AppError } from '../../infra/errors.ts';
import type { ApiState } from '../route-input.ts';

export function noRoute(router: Router<ApiState>): Middleware<ApiState> {
  return (ctx) => {
    const methods = [...new Set(router.match(ctx.path, ctx.method).path.flatMap((layer) => layer.methods))];
    if (methods.length === 0) throw new AppError('noSuchPath', `there is nothing at ${ctx.path.slice(0, 100)}`);
    ctx.set('Allow', methods.join(', '));
    if (ctx.method !== 'OPTIONS') throw new AppError('methodNotAllowed', `allowed here: ${methods.join(', ')}`);
    ctx.status = 204;
  };
}
