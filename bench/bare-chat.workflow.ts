import { proxyActivities } from '@temporalio/workflow';

const { callUpstream } = proxyActivities<{ callUpstream(): Promise<void> }>({ startToCloseTimeout: '1m' });

/** The least that a chat as a workflow can be. */
export async function bareChat(): Promise<void> {
  await callUpstream();
}
