/**
 * A process on the ledger, started by the tests beside this file: many callers over one commit queue. Its argument is the
 * world as JSON; it works until its parent says "stop" or is gone.
 */
import { pino } from 'pino';
import { CommitQueue } from '../../core/ledger/commit-queue/commit-queue.ts';
import { LeaseBook } from '../../core/ledger/leases/lease-book.ts';
import { leaseTerms } from '../../core/ledger/operations/lease.ts';
import { readConfig } from '../../infra/config.ts';
import { DAY, TABLES } from '../ledger/calls.ts';
import { LedgerAsker } from './ledger-asker.ts';
import { LedgerCaller } from './ledger-caller.ts';
import { ledgerWorld } from './ledger-world.ts';
import { OperationRecord } from './record.ts';

const world = ledgerWorld.parse(JSON.parse(process.argv[2] ?? ''));
const stopping = new AbortController();
process.on('message', () => stopping.abort());
process.on('disconnect', () => process.exit(1));
const REPORT_EVERY_MS = 200;

const queue = new CommitQueue({
  database: { ...readConfig({}), ...world.database },
  tables: TABLES,
  writerTtlMs: world.writerTtlMs,
  dayOf: () => DAY,
  log: pino({ level: 'silent' }),
});
// So greedy that leases and refusals for want of money meet all the time.
const terms = { ...leaseTerms(world.leaseShare), richTimes: 2n };
const leases = new LeaseBook({ queue, terms, quietMs: 50, log: pino({ level: 'silent' }) });
const asker = new LedgerAsker(queue, leases, new OperationRecord(world.recordFile));
const reports = setInterval(() => process.send?.(asker.count), REPORT_EVERY_MS);
await Promise.all(
  Array.from({ length: world.callers }, (_, index) =>
    new LedgerCaller(world, asker, world.seed + index).run(stopping.signal),
  ),
);
clearInterval(reports);
await leases.close();
await queue.close();
process.removeAllListeners('disconnect');
process.disconnect();
