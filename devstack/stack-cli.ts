/** Only the servers, for work on single parts. */
import { resolve } from 'node:path';
import { readCommandLine } from '../infra/command-line.js';
import { listenForInterruption, untilAborted } from './interruption.ts';
import { startStack } from './stack.ts';

const USAGE = `usage: npx node devstack/stack-cli.ts [FOLDER] [PORT_OFFSET]

Runs only the servers, with their data in FOLDER (.local/servers) and their usual
ports + PORT_OFFSET (0). Their settings are printed and stand in
FOLDER/environment.json. Ctrl-C stops all of them.`;

const { positionals } = readCommandLine({ usage: USAGE, options: {}, positionals: true }, process.argv.slice(2));
const [folder = '.local/servers', portOffset = '0'] = positionals;
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
