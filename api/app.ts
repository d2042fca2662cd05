/** The HTTP application of the product: all its routes inside its middleware. */
import type Koa from 'koa';
import type { Config } from '../infra/config.ts';
import type { Logger } from '../infra/logger.ts';
import { type ApplicationServices, applicationOf } from './application.ts';
import type { ApiState } from './http/route-input.ts';
import { allRoutes, type RouteServices } from './routes.ts';

/** What the API asks of the product; `activities/services.ts` provides it. */
export type Services = RouteServices & ApplicationServices;

export function createApp(services: Services, config: Config, logger: Logger): Koa<ApiState> {
  return applicationOf(allRoutes(services, config), services, config, logger);
}
