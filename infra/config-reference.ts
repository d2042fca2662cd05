/**
 * The settings as people read them. docs/configuration.md is generated from infra/config/settings.ts: its schema, its comments, its
 * refusals; what is in force is shown without secrets.
 */
import { z } from 'zod';
import { environmentSchema } from './config/settings.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { scrub } from './secrets.ts';

const HEAD = `# Configuration

Generated from \`infra/config/settings.ts\` by \`npx node devstack/write-configuration.ts\`; a test holds it up to date. API and workers
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
  return text.length > LONG_DEFAULT ? 'see infra/config/settings.ts' : `\`${text}\``;
}

function rangeOf({ enum: values, minimum, maximum }: z.infer<typeof fieldSchema>): string {
  if (values?.length) return `One of ${values.filter((value) => value !== '').join(', ')}.`;
  const bounded = minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return bounded ? `${minimum} to ${maximum}.` : '';
}

function settingFields(): Record<string, z.infer<typeof fieldSchema>> {
  return schemaSchema.parse(z.toJSONSchema(environmentSchema, { io: 'input', unrepresentable: 'any' })).properties;
}

export interface SettingInForce {
  readonly name: string;
  /** As it would be written; null for a secret. */
  readonly value: string | null;
  readonly source: 'default' | 'set';
  readonly isSecret: boolean;
}

/** User and password that an address may carry. */
const CREDENTIALS = /(?<=:\/\/)[^\s/@]*(?=@)/g;

/** @param given what was set; where that is empty and nothing follows from it, the default is in force. */
export function settingsInForce(config: Config, given: Readonly<Record<string, string>>): SettingInForce[] {
  // What follows from other settings, or from whether this is production.
  const derived: Readonly<Record<string, string>> = {
    API_PROCESSES: String(config.apiProcesses),
    PUBLIC_URL: config.publicUrl,
    REGISTRATION_GRANT: config.registrationGrant,
    CORS_ORIGINS: config.CORS_ORIGINS.join(','),
    TEMPORAL_TLS: String(config.TEMPORAL_TLS),
  };
  return Object.entries(settingFields()).map(([name, field]) => {
    const usual = field.default === undefined ? '' : String(field.default);
    const written = given[name] ?? usual;
    const isSecret = SECRET.test(name);
    const value = scrub(derived[name] ?? written).replaceAll(CREDENTIALS, '[hidden]');
    const isSet = name in given && !(written === '' && usual === '');
    return { name, value: isSecret ? null : value, source: isSet ? 'set' : 'default', isSecret };
  });
}

/** @param source the text of infra/config/settings.ts. */
export function configurationReference(source: string): string {
  const comments = commentsOf(source);
  const refused = refusedInProduction();
  const rows = Object.entries(settingFields()).map(([name, field]) => {
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
