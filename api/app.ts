/** The HTTP application: middleware around the declared routes. */
import cors from '@koa/cors';
import { Router } from '@koa/router';
import Koa from 'koa';
import helmet from 'koa-helmet';
import type { Config } from '../infra/config.ts';
import type { Logger } from '../infra/logger.ts';
import type { Metrics } from '../infra/metrics.ts';
import { type DispatchServices, dispatch } from './dispatch.ts';
import { errorAnswers } from './middleware/errors.ts';
import { noRoute } from './middleware/no-route.ts';
import { observe } from './middleware/observe.ts';
import { traceIds } from './middleware/trace.ts';
import type { Route } from './route.ts';
import type { ApiState } from './route-input.ts';
import { allRoutes, type RouteServices } from './routes.ts';

/** What the API asks of the product; `activities/wiring.ts` provides it. */
export interface Services extends RouteServices, Omit<DispatchServices, 'logger'> {
  readonly metrics: Metrics;
}

const PREFLIGHT_SECONDS = 600;
const EXPOSED_HEADERS = [
  'X-Trace-Id',
  'Retry-After',
  'x-request-id',
  'x-cost',
  'x-model',
  'x-provider',
  'x-attempts',
  'x-max-tokens',
];

export function createApp(services: Services, config: Config, logger: Logger): Koa<ApiState> {
  return applicationOf(allRoutes(services, config), services, config, logger);
}

/** Any routes inside the middleware of the product. */
export function applicationOf(
  routes: readonly Route[],
  services: Omit<DispatchServices, 'logger'> & { readonly metrics: Metrics },
  config: Pick<Config, 'TRUSTED_PROXY_HOPS' | 'CORS_ORIGINS' | 'publicUrl'>,
  logger: Logger,
): Koa<ApiState> {
  const hops = config.TRUSTED_PROXY_HOPS;
  const app = new Koa<ApiState>({ proxy: hops > 0, maxIpsCount: hops });
  app.on('error', (err: unknown) => logger.warn({ err }, 'answer not delivered'));
  app.use(traceIds());
  app.use(observe(logger, services.metrics));
  app.use(errorAnswers(logger));
  app.use(securityHeaders());
  app.use(crossOrigin(config));
  const router = routerOf(routes, { ...services, logger });
  app.use(router.routes());
  app.use(noRoute(router));
  return app;
}

/** An API answers data, so that of helmet's headers only those remain that mean something for it. */
function securityHeaders(): Koa.Middleware {
  return helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginEmbedderPolicy: false,
    crossOriginOpenerPolicy: false,
    crossOriginResourcePolicy: false,
    originAgentCluster: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  });
}

function crossOrigin(config: Pick<Config, 'CORS_ORIGINS' | 'publicUrl'>): Koa.Middleware {
  const allowed = new Set([...config.CORS_ORIGINS, config.publicUrl]);
  return cors({
    origin: (ctx) => (allowed.has(ctx.get('Origin')) ? ctx.get('Origin') : ''),
    allowMethods: 'GET,HEAD,POST,PUT,PATCH,DELETE',
    exposeHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
    keepHeadersOnError: false,
  });
}

function routerOf(routes: readonly Route[], services: DispatchServices): Router<ApiState> {
  const router = new Router<ApiState>({ sensitive: true });
  // The first match wins: `/v1/providers/presets` must stand before `/v1/providers/{id}`.
  const fixedFirst = [...routes].sort((a, b) => Number(a.path.includes('{')) - Number(b.path.includes('{')));
  for (const route of fixedFirst) {
    router.register(route.path.replaceAll(/\{(\w+)\}/g, ':$1'), [route.method], dispatch(route, services));
  }
  return router;
}
