/** The keyless provider as a process: `node simulator/main.ts --port 8070 --host 127.0.0.1`. */
import { readSettings } from './settings.ts';
import { startSimulator } from './simulator.ts';

const simulator = await startSimulator(readSettings(process.argv.slice(2)));
console.log(`simulator listening on ${simulator.url}`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    // Open streams are cut: a provider that goes away does not wait for its callers either.
    void simulator.close().then(() => process.exit(0));
  });
}
