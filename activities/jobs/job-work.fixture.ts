/** A chat job for tests, which no run has begun. */
import type { JobWork } from './store.ts';

export const TEST_WORK: JobWork = {
  id: 'job-1',
  type: 'chat',
  userId: 1,
  accountId: 1,
  accessKeyId: 1,
  providerId: 1,
  status: 'PENDING',
  revoked: false,
  request: async () => ({}),
  plan: { candidates: [], budgeted: false, traceId: 'trace', tags: {}, providerName: 'provider-1' },
};
