/**
 * The keyless provider as a process: `node simulator/main.ts --port 8070 --host 127.0.0.1`. It stands in for a vendor
 * and is no part of the product, so it reads flags only and not the product's settings.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startSimulator } from './simulator.ts';

const settingsSchema = z.object({
  port: z.coerce.number().int().min(0).max(65_535),
  host: z.string().min(1),
});

/** @throws when a flag is unknown or its value is out of range; the message names the flag. */
function readSettings(argv: string[]): z.infer<typeof settingsSchema> {
  const { values } = parseArgs({
    args: argv,
    options: {
      port: { type: 'string', default: '8070' },
      host: { type: 'string', default: '127.0.0.1' },
    },
  });
  const parsed = settingsSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`).join('; '));
}

const simulator = await startSimulator(readSettings(process.argv.slice(2)));
console.log(`simulator listening on ${simulator.url}`);

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    // Open streams are cut: a provider that goes away does not wait for its callers either.
    void simulator.close().then(() => process.exit(0));
  });
}
