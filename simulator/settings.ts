/**
 * The simulator's own settings. It stands in for a vendor and is no part of the product, so it does not share the
 * product's configuration and reads no environment: everything comes from command-line flags.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';

const settingsSchema = z.object({
  port: z.coerce.number().int().min(0).max(65_535),
  host: z.string().min(1),
});

/** @throws when a flag is unknown or its value is out of range; the message names the flag. */
export function readSettings(argv: string[]): z.infer<typeof settingsSchema> {
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
