/** What cannot work among the settings of MySQL, Redis, MongoDB and Temporal, although each by itself could. */
import { isIP } from 'node:net';
import { fileProblem, type TlsSettings, tlsProblems } from '../tls.ts';

interface ServerSettings extends TlsSettings {
  readonly DB_HOST: string;
  readonly REDIS_USERNAME: string;
  readonly REDIS_PASSWORD: string;
  readonly REDIS_SENTINELS: readonly unknown[];
  readonly REDIS_SENTINEL_MASTER: string;
  readonly REDIS_SENTINEL_USERNAME: string;
  readonly REDIS_SENTINEL_PASSWORD: string;
  readonly MONGODB_URI: string;
  readonly TEMPORAL_API_KEY: string;
}

/**
 * @param environment shows which settings were set and which are defaults.
 * @returns a line for each problem, beginning with the variable.
 */
export function serverProblems(settings: ServerSettings, environment: NodeJS.ProcessEnv): string[] {
  const problems = (['DB', 'REDIS', 'TEMPORAL'] as const).flatMap((prefix) => tlsProblems(settings, prefix));
  return [
    ...problems,
    ...mysqlProblems(settings),
    ...redisProblems(settings, environment),
    ...mongoProblems(settings.MONGODB_URI, environment.NODE_ENV === 'production'),
    ...temporalProblems(settings),
  ];
}

function mysqlProblems(settings: ServerSettings): string[] {
  // The driver (mysql2 3.24) would compare the certificate with "localhost".
  if (!settings.DB_TLS || isIP(settings.DB_HOST) === 0 || settings.DB_TLS_SERVER_NAME) return [];
  return ['DB_TLS_SERVER_NAME: must be set when DB_HOST is an IP address: the name in the server’s certificate'];
}

function redisProblems(settings: ServerSettings, environment: NodeJS.ProcessEnv): string[] {
  const problems: string[] = [];
  if (settings.REDIS_USERNAME && !settings.REDIS_PASSWORD)
    problems.push('REDIS_PASSWORD: must be set with REDIS_USERNAME');
  if (settings.REDIS_SENTINEL_USERNAME && !settings.REDIS_SENTINEL_PASSWORD)
    problems.push('REDIS_SENTINEL_PASSWORD: must be set with REDIS_SENTINEL_USERNAME');
  if (settings.REDIS_SENTINELS.length === 0) {
    const names = ['REDIS_SENTINEL_MASTER', 'REDIS_SENTINEL_USERNAME', 'REDIS_SENTINEL_PASSWORD'] as const;
    const useless = names.filter((name) => settings[name]);
    return [...problems, ...useless.map((name) => `${name}: has no effect without REDIS_SENTINELS`)];
  }
  if (!settings.REDIS_SENTINEL_MASTER) problems.push('REDIS_SENTINEL_MASTER: must be set with REDIS_SENTINELS');
  const useless = ['REDIS_HOST', 'REDIS_PORT'].filter((name) => environment[name]);
  return [...problems, ...useless.map((name) => `${name}: has no effect with REDIS_SENTINELS`)];
}

const UNCHECKED = ['tlsInsecure', 'tlsAllowInvalidCertificates', 'tlsAllowInvalidHostnames'];

/** Options are those of MongoDB's connection string; it may name several hosts, which WHATWG URLs cannot. */
function mongoProblems(uri: string, production: boolean): string[] {
  const options = new Map(
    [...new URLSearchParams(uri.split('?')[1])].map(([name, value]) => [name.toLowerCase(), value] as const),
  );
  const optionOf = (name: string) => options.get(name.toLowerCase());
  const wanted = optionOf('tls') ?? optionOf('ssl');
  const encrypted = wanted === undefined ? uri.startsWith('mongodb+srv:') : wanted === 'true';
  const problems: string[] = [];
  for (const name of ['tlsCAFile', 'tlsCertificateKeyFile', ...UNCHECKED]) {
    if (optionOf(name) !== undefined && !encrypted)
      problems.push(`MONGODB_URI: ${name} has no effect without tls=true`);
  }
  for (const name of ['tlsCAFile', 'tlsCertificateKeyFile'] as const) {
    const path = optionOf(name);
    if (path === undefined) continue;
    const parts = name === 'tlsCAFile' ? (['CA'] as const) : (['CERT', 'KEY'] as const);
    const problem = parts.map((part) => fileProblem(path, part)).find((text) => text !== undefined);
    if (problem !== undefined) problems.push(`MONGODB_URI: ${name}: ${problem}`);
  }
  for (const name of production ? UNCHECKED : []) {
    if (optionOf(name) === 'true')
      problems.push(`MONGODB_URI: ${name} lets anybody pose as the server; name its CA with tlsCAFile`);
  }
  return problems;
}

function temporalProblems(settings: ServerSettings): string[] {
  if (!settings.TEMPORAL_API_KEY || settings.TEMPORAL_TLS) return [];
  return ['TEMPORAL_TLS: must not be false with TEMPORAL_API_KEY, which would travel unencrypted'];
}
