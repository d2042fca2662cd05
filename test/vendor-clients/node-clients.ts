/** Node clients that are not in package.json, installed once into the cache outside the checkout. */
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { cached } from '../../devstack/cache.ts';
import { cacheFolder, shellVariables } from '../../devstack/environment.ts';

const FOLDER = join(import.meta.dirname, 'node');
const FILES = ['package.json', 'package-lock.json'] as const;
const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** A folder whose `node_modules` has them. The first call for a lock file installs them: about 70 packages, 210 MB. */
export function folderWithNodeClients(): Promise<string> {
  const version = createHash('sha256');
  for (const file of FILES) version.update(readFileSync(join(FOLDER, file)));
  return cached(cacheFolder(), { name: 'node-clients', version: version.digest('hex').slice(0, 12) }, install);
}

async function install(folder: string): Promise<void> {
  console.log('Installing client libraries for Node, once: about 70 packages, 210 MB.');
  for (const file of FILES) copyFileSync(join(FOLDER, file), join(folder, file));
  // The caller's own settings: where its packages come from is not ours to say.
  const options = { cwd: folder, env: shellVariables(), extendEnv: false, timeout: INSTALL_TIMEOUT_MS, all: true };
  await execa('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], options);
}
