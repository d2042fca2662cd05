/** For tests under test/: the servers that `npm test` has brought up for them. */
import { join } from 'node:path';
import { tryClaim } from './claims.ts';
import { shellVariables } from './environment.ts';
import { attachStack, type Stack } from './stack.ts';

/**
 * The running stack, for this test file alone. Its parts may be killed and started again by the test, which leaves all
 * of them running.
 * @throws Error that says how to start one if there is none.
 */
export function testStack(): Stack {
  ownFolder ??= shellVariables().TEST_STACK || freeStack();
  return attachStack(ownFolder);
}

let ownFolder: string | undefined;

/** One of TEST_STACKS that no other test file uses. */
function freeStack(): string {
  const folders = shellVariables().TEST_STACKS?.split(':') ?? [];
  // As many files run at a time as there are stacks, and a claim ends with the process.
  const free = folders.find((folder) => tryClaim(join(folder, 'test-file.lock')) !== undefined);
  if (free !== undefined) return free;
  throw new Error(
    folders.length > 0
      ? `each of ${folders.join(' and ')} is used by another test file`
      : 'TEST_STACK is not set. Run `npm test`, or bring up servers with ' +
          '`node devstack/stack-cli.ts .local/servers` and set TEST_STACK=.local/servers',
  );
}

/** Whether tests that break things should take their time (`npm run test:chaos`). */
export function isFullChaos(): boolean {
  return shellVariables().CHAOS === 'full';
}
