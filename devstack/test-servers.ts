/** One set of servers of a test run: fresh data, ports of its own, and tasks that share it or have it for themselves. */
import { join } from 'node:path';
import { endServices } from './data-folder.ts';
import { databaseOf } from './database-products.ts';
import type { Database, Variables } from './environment.ts';
import { PART_NAMES } from './parts.ts';
import type { Progress } from './progress.ts';
import { type StartedStack, startStack } from './stack.ts';
import { TaskServers } from './test-tasks.ts';

interface Kind {
  /** Leaves the usual ports to `npm start`, and keeps below those that systems give to outgoing connections. */
  readonly portOffset: number;
  readonly database?: Database;
}

const KINDS = {
  /** For files that share it. */
  shared: { portOffset: 1_100 },
  /** For files that kill servers, one at a time. */
  alone: { portOffset: 2_200 },
  /** For what runs on MariaDB as well. */
  mariadb: { portOffset: 3_300, database: 'mariadb' },
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
    this.#stack = await startStack({ dataFolder: this.#dataFolder, progress, signal, environment: {}, ...this.#kind });
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
