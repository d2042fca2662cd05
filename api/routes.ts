/** All routes of the API, and all that they ask of the product. */
import type { Config } from '../infra/config.ts';
import type { Route } from './route.ts';
import { docsRoutes } from './routes/docs.ts';
import { serviceRoutes } from './routes/service.ts';

/** Each resource names what it needs; a new one is added here and below. */
export type RouteServices = Parameters<typeof serviceRoutes>[0];

export function allRoutes(services: RouteServices, config: Config): Route[] {
  const routes: Route[] = [...serviceRoutes(services)];
  routes.push(...docsRoutes(() => routes, config.publicUrl));
  return routes;
}
