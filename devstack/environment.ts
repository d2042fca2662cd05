/**
 * What the local launcher itself reads from its environment; the product's own settings are read in infra/config.ts.
 * Everything that the launcher starts gets an explicit environment built from what stands here.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';

export type Variables = Readonly<Record<string, string>>;

/** What any process needs of the machine: where programs, home, temporary files and certificates are. */
const SYSTEM_NAMES = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'LANG', 'LC_ALL', 'TERM'],
  ...['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'CI', 'NO_COLOR'],
];

/** The variables of the shell that called; set and empty is something else than not set. */
export function shellVariables(): Variables {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** The folder that the command was called in: npm itself runs it in that of package.json. */
export function calledFrom(): string {
  return shellVariables().INIT_CWD || process.cwd();
}

/** Node's cache of compiled modules: our processes start in two thirds of the time. */
const COMPILED = resolve(import.meta.dirname, '../node_modules/.cache/compiled');

/** The base of every started process's environment: nothing of the product, nothing secret. */
export function systemVariables(): Variables {
  const shell = shellVariables();
  const named = Object.fromEntries(SYSTEM_NAMES.flatMap((name) => (shell[name] ? [[name, shell[name]]] : [])));
  return { NODE_COMPILE_CACHE: COMPILED, ...named };
}

/** The user's own settings in `<checkout>/.env`; empty when there is no such file. */
export function dotEnvVariables(checkout: string): Variables {
  const file = join(checkout, '.env');
  if (!existsSync(file)) return {};
  const parsed = parseEnv(readFileSync(file, 'utf8'));
  return Object.fromEntries(
    Object.entries(parsed).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Folder outside the checkout for programs that had to be fetched or built: LLM_GATEWAY_CACHE. */
export function cacheFolder(): string {
  const shell = shellVariables();
  return shell.LLM_GATEWAY_CACHE || join(shell.XDG_CACHE_HOME || join(homedir(), '.cache'), 'llm-gateway');
}

/** Programs that the benches compare this gateway with, where their paths are given; none is fetched. */
export interface BenchPeers {
  /** Another checkout of this gateway, with its packages: the code before a change, in the same run. */
  readonly baseline: string | undefined;
  /** The program `bifrost-http`. */
  readonly bifrost: string | undefined;
  /** The program `one-api`. */
  readonly oneApi: string | undefined;
  /** The program `new-api`. */
  readonly newApi: string | undefined;
  /** A folder of OpenAI's token tables for these two. */
  readonly tokenTables: string | undefined;
  /** The program `litellm`. */
  readonly litellm: string | undefined;
  /** The file `start-server.js` of the package @portkey-ai/gateway. */
  readonly portkey: string | undefined;
}

export function benchPeers(): BenchPeers {
  const {
    BENCH_BASELINE,
    BENCH_BIFROST,
    BENCH_ONE_API,
    BENCH_NEW_API,
    BENCH_LITELLM,
    BENCH_PORTKEY,
    TIKTOKEN_CACHE_DIR,
  } = shellVariables();
  const given = (path: string | undefined) => (path ? resolve(calledFrom(), path) : undefined);
  return {
    baseline: given(BENCH_BASELINE),
    bifrost: given(BENCH_BIFROST),
    oneApi: given(BENCH_ONE_API),
    newApi: given(BENCH_NEW_API),
    tokenTables: given(TIKTOKEN_CACHE_DIR),
    litellm: given(BENCH_LITELLM),
    portkey: given(BENCH_PORTKEY),
  };
}

export type Database = 'mysql' | 'mariadb';

/** The database that LOCAL_DATABASE asks for; undefined: MySQL, or MariaDB if MySQL is not available. */
export function localDatabase(): Database | undefined {
  const wanted = shellVariables().LOCAL_DATABASE;
  if (!wanted) return undefined;
  if (wanted === 'mysql' || wanted === 'mariadb') return wanted;
  throw new Error(`LOCAL_DATABASE is "${wanted}"; it can be mysql or mariadb`);
}

/** Folders in which programs are looked up: PATH, then where servers live that ordinary users have no PATH to. */
export function programFolders(): string[] {
  const onPath = (shellVariables().PATH ?? '').split(':').filter((folder) => folder.startsWith('/'));
  return [
    ...new Set([...onPath, '/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/libexec', '/opt/homebrew/bin']),
  ];
}
