/** docs/configuration.md, generated from infra/config.ts: its schema, its comments, its refusals. */
import { z } from 'zod';
import { ConfigError, environmentSchema, readConfig } from './config.ts';

const HEAD = `# Configuration

Generated from \`infra/config.ts\` by \`npx node devstack/write-configuration.ts\`; a test holds it up to date. API and workers
read the same environment. A value that is wrong stops the start with a message that names the variable. Durations are
written as \`500ms\`, \`30s\`, \`30m\`, \`24h\`, \`7d\`; lists are separated by commas.

**must be set** in production means: when NODE_ENV is \`production\`, the start stops without a value of your own.

| variable | default | meaning |
|---|---|---|
`;
const SECRET = /PASSWORD|SECRET|ENCRYPTION_KEY|ACCESS_KEY_ID|API_KEY|MONGODB_URI|OTLP_HEADERS/;
const LONG_DEFAULT = 80;

const fieldSchema = z.looseObject({
  default: z.union([z.string(), z.number()]).optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});
const schemaSchema = z.object({ properties: z.record(z.string(), fieldSchema) });

/** The comment directly above a setting, by its name. */
function commentsOf(source: string): Map<string, string> {
  const found = source.matchAll(/^ {2}\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n {2}([A-Z][A-Z0-9_]+):/gm);
  return new Map([...found].map(([, text = '', name = '']) => [name, text.replace(/\s*\n\s*(\* ?)?/g, ' ').trim()]));
}

/** The defaults that production refuses. */
function refusedInProduction(): Set<string> {
  try {
    readConfig({ NODE_ENV: 'production' });
    return new Set();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return new Set(error.message.split('\n').map((line) => line.split(':')[0] ?? ''));
  }
}

function shownDefault(name: string, value: string | number | undefined): string {
  if (SECRET.test(name) && value !== '') return 'for local use only';
  if (value === undefined || value === '') return '';
  const text = String(value);
  return text.length > LONG_DEFAULT ? 'see infra/config.ts' : `\`${text}\``;
}

function rangeOf({ enum: values, minimum, maximum }: z.infer<typeof fieldSchema>): string {
  if (values?.length) return `One of ${values.filter((value) => value !== '').join(', ')}.`;
  const bounded = minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return bounded ? `${minimum} to ${maximum}.` : '';
}

/** @param source the text of infra/config.ts. */
export function configurationReference(source: string): string {
  const { properties } = schemaSchema.parse(z.toJSONSchema(environmentSchema, { io: 'input', unrepresentable: 'any' }));
  const comments = commentsOf(source);
  const refused = refusedInProduction();
  const rows = Object.entries(properties).map(([name, field]) => {
    const meaning = [
      comments.get(name) ?? '',
      rangeOf(field),
      SECRET.test(name) ? 'Secret.' : '',
      refused.has(name) ? '**Must be set** in production.' : '',
    ];
    return `| \`${name}\` | ${shownDefault(name, field.default)} | ${meaning.filter((part) => part !== '').join(' ')} |`;
  });
  return `${HEAD}${rows.join('\n')}\n`;
}
