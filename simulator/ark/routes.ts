/** Ark's paths, under /api/v3. */
import type { Route } from '../routes.ts';
import { type Shared, vendorRoute } from '../serve-call.ts';
import { answerChat } from './chat.ts';
import { ARK } from './errors.ts';
import { generateImages } from './images.ts';

export function arkRoutes(shared: Shared): Route[] {
  return [
    vendorRoute(shared, ARK, 'POST', '/api/v3/chat/completions', answerChat),
    vendorRoute(shared, ARK, 'POST', '/api/v3/images/generations', generateImages),
  ];
}
