import type { Config } from '../../infra/config.ts';

/** The address of a workflow in Temporal UI. */
export function workflowLink(
  { TEMPORAL_UI_URL, TEMPORAL_NAMESPACE }: Pick<Config, 'TEMPORAL_UI_URL' | 'TEMPORAL_NAMESPACE'>,
  workflowId: string,
): string {
  const base = TEMPORAL_UI_URL.replace(/\/+$/, '');
  return `${base}/namespaces/${encodeURIComponent(TEMPORAL_NAMESPACE)}/workflows/${encodeURIComponent(workflowId)}`;
}
