/** A Temporal namespace of its own for each product, so that no worker takes up what another test has left. */
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts.ts';

/** As the doctor wants it. */
const RETENTION = '30d';
const READY_WITHIN_MS = 60_000;
/** In the numbers of temporal.api.enums.v1.IndexedValueType. */
const TYPES = { KEYWORD: 2, INT: 3 };

/** Registers it and waits until every part of the server knows it. */
export async function registerNamespace(address: string, namespace: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs(RETENTION),
    });
    const searchAttributes = Object.fromEntries(
      Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, TYPES[type]]),
    );
    await untilDone(() => connection.operatorService.addSearchAttributes({ namespace, searchAttributes }));
    const query = "Model = 'none'";
    await untilDone(() => connection.workflowService.listWorkflowExecutions({ namespace, query }));
  } finally {
    await connection.close();
  }
}

/** @throws the last error when it does not succeed in time. */
async function untilDone(call: () => Promise<unknown>): Promise<void> {
  const end = Date.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      await call();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await delay(50);
    }
  }
}
