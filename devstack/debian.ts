/**
 * Debian's (and Ubuntu's) packages unpacked into the cache: no root, nothing installed. apt gets its own folder for
 * lists, so the system's are not touched; which packages are missing here is apt's own answer.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { programFolders } from './environment.ts';
import { type Fetchable, findProgram, type Installation, type WorkContext } from './sources.ts';
import { osRelease } from './system.ts';

/** `debian-12-x64`: packages of one release do not run on another. */
function release(): string {
  const { id, version } = osRelease();
  return `${id || 'unknown'}-${version || 'unknown'}-${process.arch}`;
}

/** apt with folders of its own for lists and archives. */
export function aptFlags(folder: string): string[] {
  mkdirSync(join(folder, 'lists/partial'), { recursive: true });
  mkdirSync(join(folder, 'archives/partial'), { recursive: true });
  return [
    ...[`Dir::State::lists=${join(folder, 'lists')}`, `Dir::Cache=${folder}`, 'Acquire::Retries=1'],
    ...['Acquire::http::Timeout=15', 'Acquire::https::Timeout=15'],
  ];
}

/** apt's output is parsed, so its language is fixed. @returns its standard output. */
export async function runApt(
  folder: string,
  flags: readonly string[],
  args: readonly string[],
  context: WorkContext,
): Promise<string> {
  const options = flags.flatMap((flag) => ['-o', flag]);
  const { stdout } = await execa('apt-get', [...options, ...args], {
    cwd: join(folder, 'archives'),
    env: { LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
    stdin: 'ignore',
    cancelSignal: context.signal,
    timeout: 180_000,
  });
  return stdout;
}

/** Why nothing of Debian's can be had here; undefined when it can. */
export function aptObstacle(): string | undefined {
  const missing = ['apt-get', 'dpkg'].filter((name) => !findProgram([name], programFolders()));
  return missing.length > 0 ? `no ${missing.join(' and no ')}` : undefined;
}

/** `Inst libaio1 (0.3.113-4 Debian:12 [amd64])` of packages that are not installed; upgrades carry `[old]` first. */
export function missingPackages(simulation: string): string[] {
  return [...simulation.matchAll(/^Inst (\S+) \(/gm)].map((match) => match[1] ?? '');
}

async function unpack(packages: readonly string[], folder: string, context: WorkContext): Promise<void> {
  const aptFolder = join(folder, 'apt');
  const flags = aptFlags(aptFolder);
  const get = (args: string[]) => runApt(aptFolder, flags, args, context);
  context.report('apt-get update (own lists)');
  await get(['update', '--quiet']);
  const simulation = await get(['install', '--simulate', '--no-install-recommends', ...packages]);
  const missing = [...new Set([...packages, ...missingPackages(simulation)])];
  context.report(`fetching ${missing.join(' ')}`);
  await get(['download', ...missing]);
  const archives = join(aptFolder, 'archives');
  const files = readdirSync(archives).filter((name) => name.endsWith('.deb'));
  for (const file of files) {
    await execa('dpkg', ['-x', join(archives, file), folder], { cancelSignal: context.signal });
  }
  writeFileSync(join(folder, 'PACKAGES'), `${files.sort().join('\n')}\n`);
  rmSync(aptFolder, { recursive: true });
}

/**
 * Folders of shared libraries in the unpacked tree, for LD_LIBRARY_PATH; last those that packages keep for themselves, such
 * as pulseaudio's, which their libraries name by an absolute path.
 */
export function libraryFolders(folder: string): string[] {
  const foldersIn = (path: string) =>
    existsSync(path)
      ? readdirSync(path, { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map(({ name }) => join(path, name))
      : [];
  const shared = ['usr/lib', 'lib']
    .flatMap((base) => foldersIn(join(folder, base)))
    .filter((path) => basename(path).includes('-linux-'));
  const own = shared.flatMap(foldersIn).filter((path) => readdirSync(path).some((name) => /^lib.*\.so/.test(name)));
  return [...shared, ...own];
}

export function debianPackages(options: {
  name: string;
  packages: readonly string[];
  size: string;
  /** Program names to paths inside the unpacked tree. */
  programs: Readonly<Record<string, string>>;
  /** The program that is run with `--version` to see that it works; left out for one that has no such answer. */
  probe?: string;
}): Fetchable {
  const installation = (folder: string): Installation => ({
    origin: `Debian's packages in ${folder}`,
    programs: Object.fromEntries(Object.entries(options.programs).map(([name, path]) => [name, join(folder, path)])),
    environment: { LD_LIBRARY_PATH: libraryFolders(folder).join(':') },
  });
  return {
    label: `Debian's packages ${options.packages.join(', ')}, unpacked`,
    entry: { name: options.name, version: release() },
    size: options.size,
    time: 'about 10 s',
    obstacle: async () => aptObstacle(),
    build: async (folder, context) => {
      await unpack(options.packages, folder, context);
      if (options.probe === undefined) return;
      const { programs, environment } = installation(folder);
      await execa(programs[options.probe] ?? options.probe, ['--version'], { env: environment, timeout: 20_000 });
    },
    installation,
  };
}
