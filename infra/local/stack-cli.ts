/**
 * Only the servers, for work on single parts: `node infra/local/stack-cli.ts FOLDER [PORT_OFFSET]`.
 * Stays in the foreground; the settings stand in FOLDER/environment.json. Ctrl-C stops all of them.
 */
import { resolve } from 'node:path';
import { startStack } from './stack.ts';

const [folder = '.local/servers', portOffset = '0'] = process.argv.slice(2);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());

const { signal } = interrupted;
const stack = await startStack({
  dataFolder: resolve(folder),
  portOffset: Number(portOffset),
  progress: 'shown',
  signal,
});
console.log(JSON.stringify(stack.environment, undefined, 2));
// A promise alone keeps no process alive; this timer does.
const alive = setInterval(() => undefined, 60_000);
if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done, { once: true }));
clearInterval(alive);
await stack.stop();
