/** Routes by method and path; `:name` in a path takes one segment. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What a route gets in addition to the request. */
export interface RouteMatch {
  url: URL;
  params: Record<string, string>;
}

export interface Route {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  handle(request: IncomingMessage, response: ServerResponse, match: RouteMatch): Promise<void>;
}

export class Router {
  readonly #routes: { route: Route; segments: string[] }[];

  constructor(routes: Route[]) {
    this.#routes = routes.map((route) => ({ route, segments: route.path.split('/') }));
  }

  find(method: string, url: URL): { route: Route; match: RouteMatch } | undefined {
    const asked = url.pathname.split('/');
    for (const { route, segments } of this.#routes) {
      if (route.method !== method || segments.length !== asked.length) continue;
      const params: Record<string, string> = {};
      const fits = segments.every((segment, index) => {
        const value = asked[index] ?? '';
        if (!segment.startsWith(':')) return segment === value;
        params[segment.slice(1)] = decodeURIComponent(value);
        return value !== '';
      });
      if (fits) return { route, match: { url, params } };
    }
    return undefined;
  }
}
