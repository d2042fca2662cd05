/** The Grafana board and the alert rules name metrics that the API and the worker have. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { parse } from 'yaml';
import { z } from 'zod';
import { TASK_QUEUES } from '../../workflows/contracts.ts';
import { call, jobEnd, newCustomer, type Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { until } from '../until.ts';

const FOLDER = join(import.meta.dirname, '../../infra/grafana');
const ruleFile = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          labels: z.object({ severity: z.enum(['critical', 'warning']) }),
          annotations: z.object({ summary: z.string().min(10), action: z.string().min(10) }),
        }),
      ),
    }),
  ),
});
const board = z.object({
  title: z.string(),
  panels: z.array(
    z.object({
      type: z.string(),
      title: z.string(),
      targets: z.array(z.object({ expr: z.string() })).optional(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
    }),
  ),
});

const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const alerts = () => ruleFile.parse(parse(read('alerts.yaml'))).groups.flatMap(({ rules }) => rules);
const panels = () => board.parse(JSON.parse(read('board.json'))).panels;

/** Words of PromQL that have an underscore. */
const FUNCTIONS = new Set(['histogram_quantile', 'group_left', 'label_replace']);

/** Names of metrics in an expression: what is left without strings, selectors and the labels of aggregations. */
function metricsIn(expression: string): string[] {
  const bare = expression
    .replace(/"[^"]*"/g, '')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\b(by|without|on)\s*\([^)]*\)/g, '');
  const names = bare.match(/[a-z][a-z0-9]*(_[a-z0-9]+)+/g) ?? [];
  return names.filter((name) => !FUNCTIONS.has(name));
}

/** Every series that a process shows, by name, and every metric that has none at the moment. */
function shownBy(text: string): string[] {
  return text.split('\n').flatMap((line) => /^(?:# TYPE )?([a-zA-Z_:][\w:]*)(?=[{ ])/.exec(line)?.[1] ?? []);
}

describe('the board and the alerts', () => {
  let product: Product;
  const shown = new Set<string>();
  before(async () => {
    ({ product } = await sharedProduct('documents'));
    const [api] = product.apis;
    const { key } = await newCustomer(api);
    const answer = await call(api, 'POST', '/v1/async/chat', { key, body: { userMessage: 'hello' } });
    await jobEnd(api, key, z.object({ jobId: z.string() }).parse(answer.data).jobId);
    const body = { userMessage: 'hello', modelIdentifier: 'sim-chat' };
    for (const fault of ['500', 'zero-usage']) {
      const once = JSON.stringify({ fault, calls: 1 });
      await fetch(`${product.simulator.url}/control/faults`, { method: 'POST', body: once });
      await call(api, 'POST', '/v1/chat', { key, body });
    }
    await failWorkflowTask(product);
    await until('the worker has counted it', async () => {
      await scrape();
      return shown.has('temporal_workflow_task_execution_failed');
    });
  });

  const scrape = async () => {
    for (const { url } of [...product.apis, product.worker]) {
      for (const name of shownBy(await (await fetch(`${url}/metrics`)).text())) shown.add(name);
    }
  };
  const missing = (expressions: readonly string[]) =>
    [...new Set(expressions.flatMap(metricsIn))].filter((name) => !shown.has(name));

  test('all metrics of the alerts are there', () => {
    const expressions = alerts().map(({ expr }) => expr);
    assert.ok(expressions.length >= 10);
    assert.ok(expressions.some((expr) => metricsIn(expr).includes('temporal_workflow_task_execution_failed')));
    assert.deepEqual(missing(expressions), []);
  });

  test('all metrics of the board are there, and its panels do not lie upon each other', () => {
    const charts = panels().filter(({ type }) => type !== 'row');
    const expressions = charts.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr));
    assert.ok(expressions.length >= 20);
    assert.deepEqual(missing(expressions), []);
    for (const chart of charts) assert.ok((chart.targets ?? []).length > 0, chart.title);
    const cells = panels().flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    );
    assert.equal(new Set(cells).size, cells.length);
  });

  test('a name that no process shows is found', () => {
    assert.deepEqual(missing(['sum by (some_label) (rate(no_such_metric_total{job="a_b"}[5m])) > 1']), [
      'no_such_metric_total',
    ]);
  });
});

/** A workflow that no worker knows: its first task fails. */
async function failWorkflowTask(product: Product): Promise<void> {
  const connection = await Connection.connect({ address: product.config.TEMPORAL_ADDRESS });
  try {
    const client = new Client({ connection, namespace: product.config.TEMPORAL_NAMESPACE });
    const handle = await client.workflow.start('noSuchWorkflow', {
      taskQueue: TASK_QUEUES.jobs,
      workflowId: `no-such-workflow-${process.pid}`,
    });
    await until('its task has failed', async () => {
      const { events } = await handle.fetchHistory();
      return (events ?? []).some((event) => event.workflowTaskFailedEventAttributes);
    });
    await handle.terminate('a test');
  } finally {
    await connection.close();
  }
}
