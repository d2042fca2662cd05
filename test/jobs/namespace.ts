/** A Temporal namespace of its own for a test that changes what holds for all of one. */
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts.ts';
import { until } from '../e2e/product.ts';

const DAY_MS = 86_400_000;
/** In the numbers of temporal.api.enums.v1.IndexedValueType. */
const TYPES = { KEYWORD: 2, INT: 3 };

/** Registers it and waits until every part of the server knows it. @returns its name. */
export async function newNamespace(address: string, prefix: string): Promise<string> {
  const namespace = `${prefix}-${process.pid}-${Date.now()}`;
  const connection = await Connection.connect({ address });
  const works = (call: () => Promise<unknown>) =>
    call().then(
      () => true,
      () => false,
    );
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs(DAY_MS),
    });
    const searchAttributes = Object.fromEntries(
      Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, TYPES[type]]),
    );
    await until('it has its search attributes', () =>
      works(() => connection.operatorService.addSearchAttributes({ namespace, searchAttributes })),
    );
    await until('it can be asked', () =>
      works(() => connection.workflowService.listWorkflowExecutions({ namespace, query: "Model = 'none'" })),
    );
    return namespace;
  } finally {
    await connection.close();
  }
}
