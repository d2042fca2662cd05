/** The ports of `npm start`'s own processes: those that the user asked for or none, else the usual ones or the next. */
import { join } from 'node:path';
import { type Claim, claimOwner, tryClaim } from './claims.ts';
import { cacheFolder } from './environment.ts';
import { claimPort, isPortFree } from './ports.ts';
import { SettingRefused, type UserSettings } from './user-settings.ts';

const KINDS = {
  api: { title: 'the API', usual: 8060, setting: 'PORT' },
  worker: { title: 'the worker', usual: 8061, setting: 'WORKER_PORT' },
  simulator: { title: 'the simulated provider', usual: 8070, setting: undefined },
  /** Where webhooks may go on this machine; the product does not listen there. */
  webhooks: { title: 'a receiver of webhooks', usual: 8090, setting: undefined },
} as const;

type Kind = keyof typeof KINDS;
export type ServicePorts = Readonly<Record<Kind, number>>;

export interface ClaimedServicePorts {
  readonly ports: ServicePorts;
  /** What the user should know: a usual port that was busy. */
  readonly notes: readonly string[];
  release(): void;
}

interface Machine {
  readonly claims: string;
  readonly isFree: (port: number) => Promise<boolean>;
}

/** @throws {SettingRefused} where a port that the user asked for is busy. */
export async function claimServicePorts(
  user: Pick<UserSettings, 'values' | 'named'>,
  machine: Machine = { claims: join(cacheFolder(), 'ports'), isFree: isPortFree },
): Promise<ClaimedServicePorts> {
  const claims: Claim[] = [];
  const notes: string[] = [];
  const release = () => {
    for (const claim of claims.splice(0)) claim.release();
  };
  const choose = async (kind: Kind): Promise<number> => {
    const { title, usual, setting } = KINDS[kind];
    const asked = setting === undefined ? 0 : Number(user.values[setting] ?? 0);
    if (setting !== undefined && asked !== 0) {
      const claim = tryClaim(join(machine.claims, String(asked)));
      if (claim && (await machine.isFree(asked))) {
        claims.push(claim);
        return asked;
      }
      claim?.release();
      const how = `Stop that one, or set another ${setting}.`;
      throw new SettingRefused(
        `${user.named(setting)}: port ${asked} is busy: ${holder(asked, machine.claims)}. ${how}`,
      );
    }
    const { port, claim } = await claimPort(usual, machine.claims, machine.isFree);
    claims.push(claim);
    if (port !== usual)
      notes.push(`Port ${usual} is busy (${holder(usual, machine.claims)}): ${port} is for ${title}.`);
    return port;
  };
  try {
    // Those that the user asked for first: a usual one must not take them away.
    const ports = { api: 0, worker: 0, simulator: 0, webhooks: 0 };
    const kinds = Object.keys(KINDS).filter((name): name is Kind => name in KINDS);
    const isAsked = (kind: Kind) => Number(user.values[KINDS[kind].setting ?? ''] ?? 0) !== 0;
    for (const kind of [...kinds.filter(isAsked), ...kinds.filter((kind) => !isAsked(kind))]) {
      ports[kind] = await choose(kind);
    }
    return { ports, notes, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Which program uses the port, as far as known, and how to find out. */
function holder(port: number, claims: string): string {
  const owner = claimOwner(join(claims, String(port)));
  if (owner?.pid === process.pid) return 'this start uses it already';
  if (owner) return `another start of this product, process ${owner.pid}`;
  const look = process.platform === 'darwin' ? `lsof -nP -iTCP:${port} -sTCP:LISTEN` : `ss -ltnp sport = :${port}`;
  return `another program; to see which: ${look}`;
}
