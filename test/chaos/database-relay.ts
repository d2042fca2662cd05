/**
 * A relay between one commit queue and the database that breaks the line at exact places of the commit queue's protocol:
 * a COMMIT that never arrives, a COMMIT whose answer is lost, the moment between the two packets, a network that is gone.
 */
import type { Socket } from 'node:net';
import { MySqlRelay, PacketSplitter, type RelayTarget } from '../mysql-relay.ts';

/**
 * Where a line breaks. `batch-lost`: the first packet of a batch is swallowed; `between-packets`: before its answer is
 * passed on; `commit-lost`: the second packet, with the effects, is swallowed; `answer-lost`: only its answer.
 */
export type BreakingPoint = 'batch-lost' | 'between-packets' | 'commit-lost' | 'answer-lost';

interface Trap {
  readonly point: BreakingPoint;
  readonly sprung: () => void;
}

/** By then the commit queue pauses for most of a second between two tries; what belongs to one try follows at once. */
const QUIET_MS = 250;
const FIRST_PACKET = Buffer.from('START TRANSACTION;UPDATE writers');
const COMMIT_OF_EFFECTS = Buffer.from(';COMMIT');

export class DatabaseRelay extends MySqlRelay {
  #trap: Trap | undefined;
  #parted = false;
  #quiet: (() => void) | undefined;
  #quietTimer: NodeJS.Timeout | undefined;
  #silent = false;

  static async open(target: RelayTarget): Promise<DatabaseRelay> {
    const relay = new DatabaseRelay(target);
    await relay.listen();
    return relay;
  }

  get isParted(): boolean {
    return this.#parted;
  }

  /** Breaks the line once, at the next such place; `sprung` runs at that very moment, before anything else is passed on. */
  breakAt(point: BreakingPoint, sprung: () => void = () => undefined): void {
    this.#trap = { point, sprung };
  }

  disarm(): void {
    this.#trap = undefined;
  }

  /** The network fails: open connections are cut, new ones are closed at once. Until `heal`. */
  part(): void {
    this.#parted = true;
    this.cutLines();
  }

  /**
   * Heals as soon as the process, which was refused again, has tried nothing more for a moment: it waits by then, and
   * begins with its next batch when it comes back.
   */
  healBetweenTries(): Promise<void> {
    return new Promise((resolve) => {
      this.#quiet = () => {
        this.heal();
        resolve();
      };
    });
  }

  /** The network silently drops everything: open connections stay open. Until `heal`. */
  swallow(): void {
    this.#silent = true;
  }

  heal(): void {
    this.#quiet = undefined;
    this.#parted = false;
    this.#silent = false;
  }

  protected override refuses(): boolean {
    if (!this.#parted) return false;
    clearTimeout(this.#quietTimer);
    if (this.#quiet) this.#quietTimer = setTimeout(this.#quiet, QUIET_MS);
    return true;
  }

  protected override pass(client: Socket, server: Socket, cut: () => void): void {
    const splitter = new PacketSplitter();
    let sent: 'first' | 'commit' | 'other' = 'other';
    // What was swallowed is lost for this line also after `heal`, as a resent half of a stream would be.
    let swallowed = false;
    client.on('data', (chunk) => {
      swallowed ||= this.#silent;
      if (swallowed) return;
      for (const packet of splitter.packets(chunk)) {
        sent = kindOf(packet);
        if (sent === 'first' && this.#springs('batch-lost')) return cut();
        if (sent === 'commit' && this.#springs('commit-lost')) return cut();
        server.write(packet);
      }
    });
    server.on('data', (chunk) => {
      swallowed ||= this.#silent;
      if (swallowed) return;
      if (sent === 'commit' && this.#springs('answer-lost')) return cut();
      if (sent === 'first') this.#springs('between-packets');
      client.write(chunk);
    });
  }

  #springs(point: BreakingPoint): boolean {
    const trap = this.#trap;
    if (trap?.point !== point) return false;
    this.#trap = undefined;
    trap.sprung();
    return true;
  }
}

function kindOf(packet: Buffer): 'first' | 'commit' | 'other' {
  if (packet.subarray(-COMMIT_OF_EFFECTS.byteLength).equals(COMMIT_OF_EFFECTS)) return 'commit';
  return packet.subarray(0, 64).includes(FIRST_PACKET) ? 'first' : 'other';
}
