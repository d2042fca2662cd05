/**
 * Only the servers, for work on single parts: `node devstack/stack-cli.ts FOLDER [PORT_OFFSET]`.
 * Stays in the foreground; the settings stand in FOLDER/environment.json. Ctrl-C stops all of them.
 */
import { resolve } from 'node:path';
import { listenForInterruption, untilAborted } from './interruption.ts';
import { startStack } from './stack.ts';

const [folder = '.local/servers', portOffset = '0'] = process.argv.slice(2);
const signal = listenForInterruption(() => undefined);
try {
  const options = { dataFolder: resolve(folder), portOffset: Number(portOffset), progress: 'shown', signal } as const;
  const stack = await startStack(options);
  console.log(JSON.stringify(stack.environment, undefined, 2));
  await untilAborted(signal);
  await stack.stop();
} catch (error) {
  if (!signal.aborted) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
