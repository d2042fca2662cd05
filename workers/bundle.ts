/** The workflows' bundle, built ahead of the worker's start and kept by the content of the workflow files. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

const WORKFLOWS_FOLDER = join(import.meta.dirname, '..', 'workflows');
const CACHE_FOLDER = join(import.meta.dirname, '..', 'node_modules', '.cache', 'workflow-bundle');

async function contentHash(): Promise<string> {
  const hash = createHash('sha256');
  const lock = await readFile(join(import.meta.dirname, '..', 'package-lock.json')).catch(() => Buffer.alloc(0));
  hash.update(lock);
  for (const name of (await readdir(WORKFLOWS_FOLDER)).sort()) {
    if (name.endsWith('.ts') && !name.endsWith('.test.ts'))
      hash.update(name).update(await readFile(join(WORKFLOWS_FOLDER, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

/**
 * Path of the bundle for the present workflow files; built when it is not there (2 to 10 s).
 * @param traced with the interceptors of telemetry.
 */
export async function workflowBundlePath(traced: boolean): Promise<string> {
  const name = `workflows-${await contentHash()}${traced ? '-traced' : ''}.js`;
  for (const folder of [CACHE_FOLDER, join(tmpdir(), 'llm-gateway-workflow-bundle')]) {
    const path = join(folder, name);
    if (await readFile(path).then(Boolean, () => false)) return path;
  }
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(WORKFLOWS_FOLDER, 'index.ts'),
    ...(traced ? { workflowInterceptorModules: [join(WORKFLOWS_FOLDER, 'tracing.ts')] } : {}),
  });
  return store(name, code);
}

async function store(name: string, code: string): Promise<string> {
  // The image's file system is read-only: there the bundle was built with it, otherwise the temporary folder serves.
  for (const folder of [CACHE_FOLDER, join(tmpdir(), 'llm-gateway-workflow-bundle')]) {
    try {
      await mkdir(folder, { recursive: true });
      const partial = join(folder, `${name}.${process.pid}`);
      await writeFile(partial, code);
      await rename(partial, join(folder, name));
      return join(folder, name);
    } catch {
      // The next folder may do.
    }
  }
  throw new Error('no folder can hold the workflow bundle');
}
