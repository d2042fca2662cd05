/** One set of servers of a test run: fresh data, ports of its own, and tasks that share it or have it for themselves. */
import { join } from 'node:path';
import { readConfig } from '../infra/config.ts';
import { connectMysql } from '../infra/mysql/connection.ts';
import { endServices } from './data-folder.ts';
import { databaseOf } from './database-products.ts';
import type { Database, Variables } from './environment.ts';
import { PART_NAMES } from './parts.ts';
import type { Progress } from './progress.ts';
import { type StartedStack, startStack } from './stack.ts';
import { TaskServers } from './test-tasks.ts';

/** A busy machine may take as long to answer. */
const BUSY_MS = 60_000;

interface Kind {
  /** Leaves the usual ports to `npm start`, and keeps below those that systems give to outgoing connections. */
  readonly portOffset: number;
  readonly database?: Database;
  /** Whether a commit is on disk when it is answered, as in production: for tests that kill the database or ask for it. */
  readonly isDurable: boolean;
}

const KINDS = {
  /** For files that share it. */
  shared: { portOffset: 1_100, isDurable: false },
  /** For files that kill servers, one at a time. */
  alone: { portOffset: 2_200, isDurable: true },
  /** For what runs on MariaDB as well. */
  mariadb: { portOffset: 3_300, database: 'mariadb', isDurable: false },
} as const satisfies Record<string, Kind>;

export type ServersName = keyof typeof KINDS;

export class TestServers extends TaskServers {
  readonly #dataFolder: string;
  readonly #kind: Kind;
  #stack: StartedStack | undefined;

  constructor(name: ServersName, folder: string) {
    super();
    this.#dataFolder = join(folder, name);
    this.#kind = KINDS[name];
  }

  async start(progress: Progress, signal: AbortSignal): Promise<void> {
    const { isDurable, ...kind } = this.#kind;
    this.#stack = await startStack({ dataFolder: this.#dataFolder, progress, signal, environment: {}, ...kind });
    if (!isDurable) await commitWithoutDisk(this.#stack.environment);
  }

  /** Ends also what a test has started and not stopped. */
  async stop(): Promise<void> {
    await endServices(this.#dataFolder, PART_NAMES);
    await this.#stack?.stop();
  }

  /** Undefined before the start. */
  get database(): Database | undefined {
    return databaseOf(join(this.#dataFolder, 'mysql/data'));
  }

  /** What a test file finds them by (test-stack.ts). */
  variables(alone: boolean): Variables {
    return { TEST_STACK: this.#dataFolder, ...(alone ? {} : { TEST_STACK_SHARED: 'true' }) };
  }
}

/** A commit takes a fifth of the work when it does not wait for the disk; it outlives the death of all but the machine. */
async function commitWithoutDisk(settings: Variables): Promise<void> {
  const connection = await connectMysql(readConfig(settings), { connectTimeout: BUSY_MS });
  await connection.query('SET GLOBAL innodb_flush_log_at_trx_commit=2, GLOBAL sync_binlog=0');
  await connection.end();
}
