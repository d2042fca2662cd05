/** Secrets that everybody can read here, and where they are refused. */

/** Defaults that are public knowledge and therefore never acceptable in production. */
const KNOWN_SECRETS = new Set(['123456', 'llmproxy', 'changeme', 'secret', 'password', 'root']);

/** Every default of a secret begins with it. */
export const LOCAL_SECRET = 'local-development-only-';
const SECRET_NAMES = ['JWT_SECRET', 'KEY_ENCRYPTION_KEY', 'PAYMENT_SECRET', 'DB_PASSWORD', 'ROOT_PASSWORD'] as const;

type SecretSettings = Readonly<Record<(typeof SECRET_NAMES)[number], string>> & {
  readonly HOST: string;
  readonly MONGODB_URI: string;
  readonly WEAK_HASHES_FOR_TESTS: boolean;
  readonly PAYMENT_SANDBOX: boolean;
};

/** @returns a line for each that production refuses, beginning with the variable. */
export function weakSecrets(settings: SecretSettings): string[] {
  const problems: string[] = [];
  for (const name of SECRET_NAMES) {
    const value = settings[name];
    const known = KNOWN_SECRETS.has(value) || value.includes(LOCAL_SECRET) || decodesToLocalSecret(value);
    if (value === '' || known) problems.push(`${name}: must be set to a secret of your own in production`);
    else if (name !== 'DB_PASSWORD' && value.length < 12) problems.push(`${name}: must have at least 12 characters`);
  }
  if (/\/\/llmproxy:llmproxy@/.test(settings.MONGODB_URI)) {
    problems.push('MONGODB_URI: carries the published default password');
  }
  if (settings.WEAK_HASHES_FOR_TESTS) problems.push('WEAK_HASHES_FOR_TESTS: must not be on in production');
  if (settings.PAYMENT_SANDBOX) problems.push('PAYMENT_SANDBOX: must not be on in production');
  return problems;
}

/** In development the published secrets are accepted, as long as nobody else can reach the process. */
export function exposedSecrets(settings: SecretSettings): string[] {
  if (/^(127\.\d+\.\d+\.\d+|::1|localhost)$/.test(settings.HOST)) return [];
  const published = SECRET_NAMES.filter(
    (name) => settings[name].includes(LOCAL_SECRET) || decodesToLocalSecret(settings[name]),
  );
  return published.map((name) => `${name}: must be set to a secret of your own where HOST is not 127.0.0.1`);
}

function decodesToLocalSecret(value: string): boolean {
  const encoded = value.split(':').at(-1) ?? '';
  return Buffer.from(encoded, 'base64').toString('latin1').includes(LOCAL_SECRET);
}
