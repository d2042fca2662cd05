/** Which system this is, and how programs are installed on it. */
import { readFileSync } from 'node:fs';

export interface OsRelease {
  readonly id: string;
  readonly version: string;
  /** Systems that it descends from, nearest first. */
  readonly like: readonly string[];
}

/** The fields of /etc/os-release; empty ones where it is missing. */
export function parseOsRelease(text: string): OsRelease {
  const field = (name: string) => new RegExp(`^${name}=["']?([^"'\\n]*)["']?$`, 'm').exec(text)?.[1] ?? '';
  return { id: field('ID'), version: field('VERSION_ID'), like: field('ID_LIKE').split(' ').filter(Boolean) };
}

export function osRelease(): OsRelease {
  try {
    return parseOsRelease(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return parseOsRelease('');
  }
}

const INSTALL_COMMANDS = {
  debian: 'sudo apt-get install',
  fedora: 'sudo dnf install',
  arch: 'sudo pacman -S',
  suse: 'sudo zypper install',
  macos: 'brew install',
} as const;

/** A family of systems that share their packages' names; `other` has none that we know. */
export type System = keyof typeof INSTALL_COMMANDS | 'other';

/** RHEL and its rebuilds, Amazon Linux: like Fedora. Ubuntu, Mint: like Debian. */
export function systemOf(platform: string, { id, like }: OsRelease): System {
  if (platform === 'darwin') return 'macos';
  if (platform !== 'linux') return 'other';
  const families = ['debian', 'fedora', 'arch', 'suse'] as const;
  return (
    families.find((family) => [id, ...like].some((name) => name === family || name === `open${family}`)) ?? 'other'
  );
}

export function thisSystem(): System {
  return systemOf(process.platform, osRelease());
}

/** How a program gets onto this machine. */
export interface InstallHint {
  /** Names of packages. */
  readonly packages: Readonly<Partial<Record<System, string>>>;
  /** What is needed, for systems without such a package. */
  readonly program: string;
}

export function installAdvice({ packages, program }: InstallHint, system: System): string {
  const names = packages[system];
  return system === 'other' || names === undefined
    ? `Put ${program} on PATH`
    : `Install it: ${INSTALL_COMMANDS[system]} ${names}`;
}
