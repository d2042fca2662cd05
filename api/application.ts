/** Koa, the middleware that every request passes, and any declared routes inside. */
import cors from '@koa/cors';
import Koa from 'koa';
import helmet from 'koa-helmet';
import type { Config } from '../infra/config.ts';
import type { Logger } from '../infra/logger.ts';
import type { Metrics } from '../infra/metrics.ts';
import { activeTracer } from '../infra/telemetry/spans.ts';
import { discardRest } from './http/body.ts';
import { sessionCookieOf } from './http/console-session.ts';
import { type DispatchServices, unmatchedForms, useRoutes } from './http/dispatch.ts';
import type { Access, Route } from './http/route.ts';
import type { ApiState } from './http/route-input.ts';
import { type ConsoleConfig, consolePages } from './middleware/console.ts';
import { errorAnswers, NOT_STORED } from './middleware/errors.ts';
import { observe, serverSpans, traceIds } from './middleware/observe.ts';

export interface ApplicationServices extends Omit<DispatchServices, 'logger'> {
  readonly metrics: Metrics;
}

export type ApplicationConfig = Pick<Config, 'TRUSTED_PROXY_HOPS' | 'CORS_ORIGINS'> & ConsoleConfig;

const PREFLIGHT_SECONDS = 600;
/** Headers of ours that a script of another origin may read. */
const EXPOSED_HEADERS = [
  ...[
    'X-Trace-Id',
    'Retry-After',
    'x-should-retry',
    'request-id',
    'x-request-id',
    'x-cost',
    'x-model',
    'x-provider',
    'x-attempts',
    'x-max-tokens',
  ],
  'x-request-fits',
  'x-price-rule',
  ...['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  ...['x-ratelimit-limit-tokens', 'x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
];

export function applicationOf(
  routes: readonly Route[],
  services: ApplicationServices,
  config: ApplicationConfig,
  logger: Logger,
): Koa<ApiState> {
  const hops = config.TRUSTED_PROXY_HOPS;
  const app = new Koa<ApiState>({ proxy: hops > 0, maxIpsCount: hops });
  app.on('error', (err: unknown) => logger.warn({ err }, 'answer not delivered'));
  app.use(restsDiscarded());
  app.use(traceIds());
  const tracer = activeTracer();
  if (tracer) app.use(serverSpans(tracer));
  app.use(observe(logger, services.metrics));
  app.use(errorAnswers(logger, unmatchedForms(routes)));
  app.use(notStored());
  app.use(securityHeaders());
  app.use(crossOrigin(config, keyPaths(routes)));
  const sessionCookie = sessionCookieOf(config.publicUrl);
  app.use((ctx, next) => {
    ctx.state.sessionCookie = sessionCookie;
    return next();
  });
  app.use(consolePages(config));
  useRoutes(app, routes, { ...services, logger });
  return app;
}

/** A body that is still coming when its answer is out is not waited for. */
function restsDiscarded(): Koa.Middleware {
  return (ctx, next) => {
    ctx.res.once('finish', () => discardRest(ctx.req));
    return next();
  };
}

/** Answers hold keys, tokens and balances; what may be kept by others says so itself. */
function notStored(): Koa.Middleware {
  return (ctx, next) => {
    ctx.set('Cache-Control', NOT_STORED);
    return next();
  };
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

/**
 * Paths where an access key alone is enough. A script of any origin may call them: the console's cookie is not sent from
 * other sites, answers to requests with it are not shown to other origins, and changes by it need the session's CSRF token;
 * so a page can do no more than its owner can with the key. Some chat clients run in the browser only.
 */
function keyPaths(routes: readonly Route[]): (path: string) => boolean {
  const open = routes.filter(({ access, successForKey }) => isForKeys(access) || successForKey !== undefined);
  const patterns = open.map(
    ({ path, slashes }) =>
      new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, slashes ? '.+' : '[^/]+')}$`),
  );
  return (path) => patterns.some((pattern) => pattern.test(path));
}

function isForKeys(access: Access): boolean {
  return access === 'access-key' || access === 'jwt-or-access-key';
}

function crossOrigin(config: ApplicationConfig, isOpen: (path: string) => boolean): Koa.Middleware {
  const allowed = new Set([...config.CORS_ORIGINS, config.publicUrl]);
  return cors({
    origin: (ctx) => (allowed.has(ctx.get('Origin')) ? ctx.get('Origin') : isOpen(ctx.path) ? '*' : ''),
    allowMethods: 'GET,HEAD,POST,PUT,PATCH,DELETE',
    exposeHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
    keepHeadersOnError: false,
  });
}
