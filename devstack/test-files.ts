/** The test files: which there are, what each needs of the servers, which are long. */
import { existsSync, globSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const CHECKOUT = resolve(import.meta.dirname, '..');
const EXCLUDED = ['**/node_modules/**', '.local/**'];

/** These kill or stop servers, count all that a server does or ask how it keeps commits: no other file can use theirs. */
const BREAK_SERVERS: readonly string[] = [
  'test/api/key-limits.test.ts',
  'test/chaos/job-outages.test.ts',
  'test/chaos/jobs.test.ts',
  'test/chaos/ledger-database-kill.test.ts',
  'test/e2e/conversations.test.ts',
  'test/e2e/crash.test.ts',
  'test/jobs/following.test.ts',
  'test/jobs/reconciler.test.ts',
  'test/jobs/unreadable-rows.test.ts',
  'test/jobs/waiting-clients.test.ts',
  'test/keys/without-redis.test.ts',
  'test/local/servers.test.ts',
  'test/processes/invalidation.test.ts',
  'test/scripts/doctor.test.ts',
  'test/usage/mongo-outage.test.ts',
];

/** These start what they need themselves. */
const WITHOUT_SERVERS: readonly string[] = [
  'test/console/words.test.ts',
  'test/docs/fresh-clone.test.ts',
  'test/replay/replay.test.ts',
  'test/vendor-clients/vendor-clients.test.ts',
];

/**
 * Begun first, so that none of them is still at work when all others have ended; the longest of all is the first. Those
 * that install or build at their start are apart from each other.
 */
export const LONG: readonly string[] = [
  'test/docs/fresh-clone.test.ts',
  'test/bench/bench.test.ts',
  'test/chaos/batches.test.ts',
  'test/jobs/limits.test.ts',
  'test/jobs/fairness.test.ts',
  'test/image/image.test.ts',
  'test/console/console.test.ts',
  'test/e2e/modalities.test.ts',
  'test/field/presets.test.ts',
  'test/webhooks/delivery-reconciler.test.ts',
  'test/chaos/upstream-down.test.ts',
  'test/chaos/bad-keys.test.ts',
  'test/mysql-types/announced-types.test.ts',
  'test/webhooks/webhooks.test.ts',
  'test/tls/tls.test.ts',
  'test/chaos/ledger-model.test.ts',
  'test/api/hostile-input.test.ts',
];

/**
 * Each row runs in one process, in the order of names: what the files have to load takes as long as many of their tests,
 * and some share a product. A file's preparation outside of its suites runs before the tests of the others,
 * too: only files where that does no harm.
 */
const TOGETHER: readonly (readonly string[])[] = [
  inFolder('api', 'admin-command', 'earlier-client', 'hostile-input', 'ownership'),
  inFolder('api', 'access-keys', 'accounts', 'keyed-after-crash', 'pepper-rotation'),
  inFolder('api', 'access-table', 'administration', 'secrets'),
  inFolder('catalog', 'add-preset', 'catalog', 'provider-keys', 'routes'),
  inFolder('chaos', 'bad-keys', 'balance', 'upstream-down'),
  inFolder('console', 'console', 'jobs', 'keyboard', 'other-sites', 'views'),
  [...inFolder('chaos', 'cut-streams'), ...inFolder('e2e', 'routing')],
  [...inFolder('chaos', 'same-key'), ...inFolder('e2e', 'messages', 'slow-readers')],
  inFolder('e2e', 'odd-providers', 'openai-sdk', 'replays'),
  inFolder('e2e', 'audio-jobs', 'line', 'modalities', 'picture-addresses', 'responses'),
  inFolder('field', 'answers', 'documents', 'doors', 'patience', 'presets', 'usage'),
  ['docs/guides', 'docs/operations', 'monitoring/monitoring'].map((name) => `test/${name}.test.ts`),
  inFolder('jobs', 'deployment', 'provider-answers', 'reset', 'schedules', 'workers'),
  inFolder('jobs', 'following', 'reconciler', 'unreadable-rows', 'waiting-clients'),
  inFolder('ledger', 'commit-queue', 'exact-balance', 'fencing', 'lost-commit', 'migrations'),
  inFolder('orders', 'alipay', 'order-workflows', 'orders'),
  inFolder('usage', 'conversations', 'reconcile', 'relay', 'retention', 'statistics'),
  inFolder('webhooks', 'delivery-reconciler', 'webhooks'),
];

function inFolder(folder: string, ...names: readonly string[]): string[] {
  return names.map((name) => `test/${folder}/${name}.test.ts`);
}

/** Tests of money and of whole calls; together they run each statement that these need. */
const ALSO_ON_MARIADB =
  /^test\/(ledger\/|e2e\/(audio-jobs|crash|line|modalities|replays|responses)\.|chaos\/(batches|ledger-model)\.)/;

/** All files that are named here. */
export const NAMED: readonly string[] = [...BREAK_SERVERS, ...WITHOUT_SERVERS, ...LONG, ...TOGETHER.flat()];

export function needsServers(file: string): boolean {
  return !WITHOUT_SERVERS.includes(file);
}

export function breaksServers(file: string): boolean {
  return BREAK_SERVERS.includes(file);
}

export function alsoOnMariadb(file: string): boolean {
  return ALSO_ON_MARIADB.test(file);
}

export type Part = 'unit' | 'stack' | 'chaos';

/** Tests with servers stand under test/, all others beside the code. */
export function partOf(file: string): Part {
  if (file.startsWith('test/chaos/')) return 'chaos';
  return file.startsWith('test/') ? 'stack' : 'unit';
}

/** All test files of the checkout by their paths in it. */
export function allTestFiles(): string[] {
  return globSync('**/*.test.ts', { cwd: CHECKOUT, exclude: EXCLUDED }).sort();
}

/**
 * The test files that are named, or stand in the folders that are named, by paths from `folder`.
 * @throws Error naming a path that has none.
 */
export function testFilesIn(paths: readonly string[], folder: string): string[] {
  const all = allTestFiles();
  const found = paths.flatMap((path) => {
    const inCheckout = relative(CHECKOUT, resolve(folder, path));
    const files = all.filter((file) => inCheckout === '' || file === inCheckout || file.startsWith(`${inCheckout}/`));
    if (files.length === 0) throw new Error(`${path}: ${missing(join(CHECKOUT, inCheckout))}`);
    return files;
  });
  return [...new Set(found)].sort();
}

function missing(path: string): string {
  if (!existsSync(path)) return 'there is no such file or folder';
  return statSync(path).isDirectory() ? 'no test file is in it' : 'is no test file (x.test.ts)';
}

/** The files, each with those that run in its process. */
export function inGroups(files: readonly string[]): readonly string[][] {
  const rowOf = (file: string) => TOGETHER.find((row) => row.includes(file)) ?? file;
  return [...Map.groupBy(files, rowOf).values()];
}

/** Files of one folder at the top of the checkout together. */
export function byFolder(files: readonly string[]): Map<string, string[]> {
  return Map.groupBy(files, (file) => file.split('/')[0] ?? file);
}
