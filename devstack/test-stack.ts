/** For tests under test/: the servers that `npm test` has brought up, and what a test file has of them for itself. */
import { join } from 'node:path';
import { attachStack } from './attached-stack.ts';
import { tryClaim } from './claims.ts';
import { shellVariables } from './environment.ts';
import type { Stack } from './stack.ts';
import type { StackPart } from './stack-part.ts';

/** Of the 16 that Redis has; 0 is for those who use the servers by hand, 15 for the benches. */
const REDIS_DATABASES = Array.from({ length: 14 }, (_, index) => index + 1);

/**
 * The running servers. Other test files use them, too: this one has a Redis database, and makes databases of MySQL and
 * MongoDB and Temporal namespaces with names of its own. A file that kills servers and starts them again has all for
 * itself (test-files.ts names those) and leaves all of them running.
 * @throws Error that says how to start servers if there are none.
 */
export function testStack(): Stack {
  own ??= attach();
  return own;
}

let own: Stack | undefined;

function attach(): Stack {
  const { TEST_STACK: folder, TEST_STACK_SHARED: shared } = shellVariables();
  if (!folder) {
    throw new Error(
      'TEST_STACK is not set. Run `npm test -- PATH`, or bring up servers with ' +
        '`node devstack/stack-cli.ts .local/servers` and set TEST_STACK=.local/servers',
    );
  }
  const stack = attachStack(folder);
  return {
    dataFolder: stack.dataFolder,
    environment: { ...stack.environment, REDIS_DATABASE: ownRedisDatabase(folder) },
    part: (name) => (shared ? unbreakable(stack.part(name)) : stack.part(name)),
  };
}

/** A server that other test files use at the moment. */
function unbreakable({ name, settings, pid }: StackPart): StackPart {
  const refuse = async () => {
    throw new Error(
      `other test files use this ${name}: a file that breaks it belongs into BREAK_SERVERS (test-files.ts)`,
    );
  };
  return { name, settings, pid, kill: refuse, stop: refuse, start: refuse };
}

/** It is given back when this process ends. */
function ownRedisDatabase(folder: string): string {
  const free = REDIS_DATABASES.find((database) => tryClaim(join(folder, 'redis-databases', String(database))));
  if (free === undefined) throw new Error(`${REDIS_DATABASES.length} test files use the servers in ${folder} already`);
  return String(free);
}

/** Whether tests that break things should take their time (`npm run test:chaos`). */
export function isFullChaos(): boolean {
  return shellVariables().CHAOS === 'full';
}
