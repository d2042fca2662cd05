/** docs/operations.md: every command works, with Temporal's own CLI, on a product with jobs of each kind. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { cacheFolder, programFolders, systemVariables } from '../../devstack/environment.ts';
import { PARTS } from '../../devstack/parts.ts';
import { planPart } from '../../devstack/sources.ts';
import { call, jobEnd, newCustomer } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { until } from '../until.ts';
import { CHECKOUT, complaintOf, runDocument } from './document.ts';

const DOCUMENT = 'docs/operations.md';
const accepted = z.object({ jobId: z.string() });

/** Where the CLI is that also serves as the local server; it runs, so it is there. */
async function cliFolder(): Promise<string> {
  const options = { folders: programFolders(), cache: cacheFolder(), signal: new AbortController().signal };
  const plan = await planPart(PARTS.temporal, options);
  assert.ok(plan.kind === 'ready');
  return dirname(plan.installation.programs.temporal ?? '');
}

test('every command of the questions and of the runbook works', async () => {
  const { product } = await sharedProduct('documents');
  const customer = await newCustomer(product.apis[0]);
  const submit = async (body: object): Promise<string> => {
    const answer = await call(product.apis[0], 'POST', '/v1/async/chat', { key: customer.key, body });
    return accepted.parse(answer.data).jobId;
  };
  const failed = await submit({ userMessage: 'hello', options: { temperature: 99 } });
  const completed = await submit({ userMessage: 'hello' });
  for (const jobId of [failed, completed]) await jobEnd(product.apis[0], customer.key, jobId);
  await fetch(`${product.simulator.url}/control/faults`, {
    method: 'POST',
    body: JSON.stringify({ fault: 'slow-chunks', value: 5_000, model: 'sim-chat' }),
  });
  const running = await submit({ userMessage: 'a story', modelIdentifier: 'sim-chat' });
  await until('it runs', async () => {
    return (await product.rows(`SELECT 1 FROM jobs WHERE id='${running}' AND provider_attempts=1`)).length === 1;
  });
  const results = await runDocument(DOCUMENT, {
    settings: {
      PATH: `${await cliFolder()}:${systemVariables().PATH}`,
      TEMPORAL_ADDRESS: product.config.TEMPORAL_ADDRESS,
      TEMPORAL_NAMESPACE: product.config.TEMPORAL_NAMESPACE,
      JOB: running,
      ENDED_JOB: completed,
      FAILED_JOB: failed,
      USER_ID: String(customer.userId),
      ROOT_PASSWORD: product.rootPassword,
      LEAKED_KEY: (await newCustomer(product.apis[0])).key,
    },
    replaced: { 'http://localhost:8060': product.apis[0]?.url ?? '' },
  });
  assert.ok(results.length >= 9, `${results.length} commands`);
  const complaints = results.flatMap((result) => complaintOf(result) ?? []);
  assert.deepEqual(complaints, [], complaints.join('\n\n'));
  assert.equal((await jobEnd(product.apis[0], customer.key, running)).status, 'CANCELLED');
});

test('every alert has a place in the runbook or says all itself', () => {
  const text = readFileSync(join(CHECKOUT, DOCUMENT), 'utf8');
  const alerts = readFileSync(join(CHECKOUT, 'infra/grafana/alerts.yaml'), 'utf8');
  for (const [, section = ''] of alerts.matchAll(/"([^"]+)" in the runbook|operations\.md, "([^"]+)"/g)) {
    if (section !== '') assert.ok(text.includes(`### ${section}`), section);
  }
});
