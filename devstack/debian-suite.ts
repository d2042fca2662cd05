/**
 * Programs of another suite of Debian than this system's, on any Linux that has apt and dpkg: fetched with everything
 * they need, the C library included, unpacked into the cache and started by their own loader. apt gets state, lists and
 * keys of its own, so it neither sees nor changes what is installed, and it takes nothing that Debian has not signed.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { aptFlags, aptObstacle, runApt } from './debian.ts';
import type { Fetchable, Installation, WorkContext } from './sources.ts';

/** Debian's own default, after the mirrors that the machine's sources name. */
const DEFAULT_MIRROR = 'http://deb.debian.org/debian';

/** Kept up to date by the system where it is installed; elsewhere the two keys that sign the archive until 2031. */
const SYSTEM_KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg';
const PINNED_KEYS = join(import.meta.dirname, 'debian-archive-keys.asc');

/** By Node's name of the architecture: Debian's, its folder of libraries and its loader. */
const MACHINES: Readonly<Record<string, { debian: string; libraries: string; loader: string }>> = {
  x64: { debian: 'amd64', libraries: 'usr/lib/x86_64-linux-gnu', loader: 'ld-linux-x86-64.so.2' },
  arm64: { debian: 'arm64', libraries: 'usr/lib/aarch64-linux-gnu', loader: 'ld-linux-aarch64.so.1' },
};

/** Where the scripts lie that start the programs: beside `bin` and `sbin`, so that a program's base folder is `usr`. */
const SCRIPTS = 'usr/run';

/** `'http://host/debian/dists/bookworm/InRelease' file 0`: the mirrors of Debian that apt would ask here. */
export function mirrorsOf(uris: string): string[] {
  const found = [...uris.matchAll(/^'(\S+\/debian)\/dists\/[^']+\/InRelease' /gm)].map((match) => match[1] ?? '');
  return [...new Set([...found, DEFAULT_MIRROR])];
}

function machine() {
  const found = process.platform === 'linux' ? MACHINES[process.arch] : undefined;
  if (!found) throw new Error(`Debian's packages do not run on ${process.platform} ${process.arch}`);
  return found;
}

/** apt with nothing installed and no source but the one suite. */
function suiteFlags(folder: string): string[] {
  mkdirSync(join(folder, 'state'), { recursive: true });
  writeFileSync(join(folder, 'state/status'), '');
  return [
    ...aptFlags(folder),
    ...[`Dir::State=${join(folder, 'state')}`, `Dir::State::status=${join(folder, 'state/status')}`],
    ...[`Dir::Etc::sourcelist=${join(folder, 'sources.list')}`, 'Dir::Etc::sourceparts=/dev/null'],
    ...['Dir::Etc::preferences=/dev/null', 'Dir::Etc::preferencesparts=/dev/null', 'APT::Default-Release='],
    ...['APT::Get::AllowUnauthenticated=false', 'Acquire::AllowInsecureRepositories=false'],
    ...['Acquire::Languages=none', 'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false', 'Debug::NoLocking=true'],
    // apt gives up its rights for fetching and checking; another user cannot read what lies in root's home.
    ...(process.getuid?.() === 0 ? ['APT::Sandbox::User=root'] : []),
  ];
}

/** Leaves the packages and all that they need in `folder`/archives. @throws what apt said of the last mirror. */
async function fetchPackages(suite: string, packages: readonly string[], folder: string, context: WorkContext) {
  const flags = suiteFlags(folder);
  const uris = await runApt(folder, aptFlags(folder), ['update', '--print-uris'], context);
  const mirrors = mirrorsOf(uris);
  const keys = existsSync(SYSTEM_KEYS) ? SYSTEM_KEYS : PINNED_KEYS;
  for (const [index, mirror] of mirrors.entries()) {
    writeFileSync(
      join(folder, 'sources.list'),
      `deb [arch=${machine().debian} signed-by=${keys}] ${mirror} ${suite} main\n`,
    );
    try {
      context.report(`apt-get update (own lists) of Debian ${suite}`);
      await runApt(folder, flags, ['update', '--quiet', '--error-on=any'], context);
      context.report(`fetching ${packages.join(' ')} and what they need`);
      const install = ['install', '--yes', '--quiet', '--download-only', '--no-install-recommends', ...packages];
      await runApt(folder, flags, install, context);
      return;
    } catch (error) {
      if (context.signal.aborted || index === mirrors.length - 1) throw error;
    }
  }
}

export function debianSuite(options: {
  name: string;
  suite: string;
  packages: readonly string[];
  /** Packages whose names begin so are left out: what only scripts need that nobody runs here. */
  without: readonly string[];
  size: string;
  /** Program names to paths inside the unpacked tree. */
  programs: Readonly<Record<string, string>>;
}): Fetchable {
  const { name, suite, packages, programs } = options;

  const unpack = async (folder: string, context: WorkContext) => {
    const archives = join(folder, 'apt/archives');
    const isWanted = (file: string) =>
      file.endsWith('.deb') && !options.without.some((start) => file.startsWith(start));
    const files = readdirSync(archives).filter(isWanted).sort();
    context.report(`unpacking ${files.length} packages`);
    for (const file of files) {
      await execa('dpkg', ['--extract', join(archives, file), folder], { cancelSignal: context.signal });
    }
    writeFileSync(join(folder, 'PACKAGES'), `${files.join('\n')}\n`);
    rmSync(join(folder, 'apt'), { recursive: true });
  };

  const writeScripts = (folder: string) => {
    const { libraries, loader } = machine();
    mkdirSync(join(folder, SCRIPTS), { recursive: true });
    for (const [program, path] of Object.entries(programs)) {
      const script = [
        '#!/bin/sh',
        'root=$(cd "$(dirname "$0")/../.." && pwd) || exit',
        `exec "$root/${libraries}/${loader}" --library-path "$root/${libraries}" "$root/${path}" "$@"`,
      ];
      writeFileSync(join(folder, SCRIPTS, program), `${script.join('\n')}\n`, { mode: 0o755 });
    }
  };

  const installation = (folder: string): Installation => ({
    origin: `packages of Debian ${suite} in ${folder}`,
    programs: Object.fromEntries(Object.keys(programs).map((program) => [program, join(folder, SCRIPTS, program)])),
    environment: {},
  });

  return {
    label: `Debian ${suite}'s packages ${packages.join(', ')}, unpacked`,
    entry: { name, version: `debian-${suite}-${process.arch}` },
    size: options.size,
    time: 'about 15 s',
    obstacle: async () => {
      if (process.platform !== 'linux' || !MACHINES[process.arch])
        return `none for ${process.platform} ${process.arch}`;
      return aptObstacle();
    },
    build: async (folder, context) => {
      await fetchPackages(suite, packages, join(folder, 'apt'), context);
      await unpack(folder, context);
      writeScripts(folder);
      for (const program of Object.values(installation(folder).programs)) {
        await execa(program, ['--version'], { timeout: 20_000, cancelSignal: context.signal });
      }
    },
    installation,
  };
}
