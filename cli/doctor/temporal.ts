/** Temporal: reachable, with the namespace as infra/docker/temporal-namespace.sh makes it. */
import type { Config } from '../../infra/config.ts';
import { openTemporal } from '../../infra/temporal/client.ts';
import { temporalAdvice } from '../../infra/temporal/options.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts.ts';
import { connectionText, type Finding, look, TIMEOUT_MS } from './finding.ts';

const PART = 'Temporal';
/** A busy server answers late. */
const DAY_MS = 86_400_000;
/** Half a day of webhook attempts, and a week in which an operator looks for a job. */
const LEAST_RETENTION_DAYS = 7;
/** Numbers of `temporal.api.enums.v1.IndexedValueType`. */
const VALUE_TYPES: Readonly<Record<number, string>> = { 1: 'TEXT', 2: 'KEYWORD', 3: 'INT', 4: 'DOUBLE', 5: 'BOOL' };

export interface NamespaceState {
  /** How long ended workflows are kept. */
  readonly retentionMs: number;
  /** The type of each that was made, such as KEYWORD. */
  readonly searchAttributes: ReadonlyMap<string, string>;
}

export function lookAtTemporal(config: Config): Promise<Finding[]> {
  const { TEMPORAL_ADDRESS: where, TEMPORAL_NAMESPACE: namespace } = config;
  const advice = `Start Temporal, or set TEMPORAL_ADDRESS (now ${where}); make its namespace: temporal operator namespace create -n ${namespace}. Jobs are accepted without it and run once it is back.`;
  const find = async (): Promise<Finding[]> => {
    const connection = openTemporal(config);
    try {
      const inTime = <Result>(ask: () => Promise<Result>) => connection.withDeadline(Date.now() + TIMEOUT_MS, ask);
      const described = await inTime(() => connection.workflowService.describeNamespace({ namespace }));
      const certificate = config.TEMPORAL_TLS_CERT === '' ? 'nobody' : 'the holder of TEMPORAL_TLS_CERT';
      const user = config.TEMPORAL_API_KEY === '' ? certificate : 'the holder of TEMPORAL_API_KEY';
      const text = `namespace ${namespace} at ${where}, ${connectionText(config.TEMPORAL_TLS, user)}`;
      const reached: Finding = { part: PART, state: 'good', text };
      const retentionMs = Number(described.config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1_000;
      const listed = await inTime(() => connection.operatorService.listSearchAttributes({ namespace })).catch(
        () => undefined,
      );
      if (listed === undefined) return [reached, unseen()];
      const types = Object.entries(listed.customAttributes).map(
        ([name, type]) => [name, VALUE_TYPES[type] ?? 'OTHER'] as const,
      );
      return [reached, ...namespaceFindings({ retentionMs, searchAttributes: new Map(types) }, namespace)];
    } finally {
      await connection.close();
    }
  };
  return look(PART, advice, find, (error) => temporalAdvice(error, config));
}

/** Some hosted Temporals do not let a client list search attributes. */
function unseen(): Finding {
  const names = Object.keys(SEARCH_ATTRIBUTES).join(', ');
  const text = 'its search attributes cannot be listed from here';
  return { part: PART, state: 'warning', text, advice: `Workflows do not start without them: ${names}.` };
}

export function namespaceFindings({ retentionMs, searchAttributes }: NamespaceState, namespace: string): Finding[] {
  const wanted = Object.entries(SEARCH_ATTRIBUTES);
  const wrong = wanted.filter(([name, kind]) => searchAttributes.get(name) !== kind);
  const created = wrong.map(([name, kind]) => `--name ${name} --type ${kind === 'INT' ? 'Int' : 'Keyword'}`);
  const days = retentionMs / DAY_MS;
  return [
    wrong.length === 0
      ? {
          part: PART,
          state: 'good',
          // No call of Temporal shows a client whether it is on.
          text: `${wanted.length} search attributes; fairness between users (matching.enableFairness) only its own configuration shows`,
        }
      : {
          part: PART,
          state: 'bad',
          text: `search attributes are missing or of another type: ${wrong.map(([name]) => name).join(', ')}; workflows do not start`,
          advice: `Run temporal operator search-attribute create -n ${namespace} with ${created.join(' ')}`,
        },
    days >= LEAST_RETENTION_DAYS
      ? { part: PART, state: 'good', text: `ended workflows are kept for ${days} days` }
      : {
          part: PART,
          state: 'warning',
          text: `ended workflows are kept for ${days} days only`,
          advice: `Run temporal operator namespace update -n ${namespace} --retention 720h`,
        },
  ];
}
