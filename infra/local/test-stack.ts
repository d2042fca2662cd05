/** For tests under test/: the servers that `npm test` has brought up for them. */
import { shellVariables } from './environment.ts';
import { attachStack, type Stack } from './stack.ts';

/**
 * The running stack. Its parts may be killed and started again by the test, which leaves all of them running.
 * @throws Error that says how to have one when there is none.
 */
export function testStack(): Stack {
  const folder = shellVariables().TEST_STACK;
  if (folder) return attachStack(folder);
  throw new Error(
    'TEST_STACK is not set. Run `npm test`, or bring up servers with `node infra/local/stack-cli.ts .local/servers` ' +
      'and set TEST_STACK=.local/servers',
  );
}

/** Whether tests that break things should take their time (`npm run test:chaos`). */
export function isFullChaos(): boolean {
  return shellVariables().CHAOS === 'full';
}
