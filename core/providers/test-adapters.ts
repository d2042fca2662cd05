/** Adapters on a way out that a test has laid; addresses of pictures go the same way. */
import type { Outbound } from '../../infra/outbound.ts';
import { createPictureReader } from '../images/picture-reader.ts';
import { type Adapters, createAdapters } from './vendors.ts';

const TIMEOUTS = { UPSTREAM_TOTAL_TIMEOUT: 60_000, UPSTREAM_FIRST_BYTE_TIMEOUT: 10_000, UPSTREAM_IDLE_TIMEOUT: 10_000 };

export function testAdapters(outbound: Outbound, config = TIMEOUTS): Adapters {
  const readPicture = createPictureReader({ clientFor: () => outbound, stored: async () => undefined });
  return createAdapters({ outbound, readPicture, config });
}
