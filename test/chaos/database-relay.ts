/**
 * A TCP relay between one commit queue and the database that breaks the line at exact places of the commit queue's protocol: a
 * COMMIT that never arrives, a COMMIT whose answer is lost, the moment between the two packets, a network that is gone.
 */
import { type AddressInfo, createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';

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
const HEADER_BYTES = 4;
const FIRST_PACKET = Buffer.from('START TRANSACTION;UPDATE writers');
const COMMIT_OF_EFFECTS = Buffer.from(';COMMIT');

/** Splits a stream of MySQL's protocol into its packets: three bytes of length, one of sequence, the payload. */
export class PacketSplitter {
  #rest: Buffer = Buffer.alloc(0);

  *packets(chunk: Buffer): Generator<Buffer> {
    this.#rest = this.#rest.byteLength === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.byteLength >= HEADER_BYTES) {
      const length = HEADER_BYTES + this.#rest.readUIntLE(0, 3);
      if (this.#rest.byteLength < length) return;
      const packet = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      yield packet;
    }
  }
}

export class DatabaseRelay {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #lines = new Set<() => void>();
  #trap: Trap | undefined;
  #parted = false;
  #quiet: (() => void) | undefined;
  #quietTimer: NodeJS.Timeout | undefined;
  #silent = false;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#relay(client));
  }

  /** Listens on a free port of 127.0.0.1. */
  static async open(target: { host: string; port: number }): Promise<DatabaseRelay> {
    const relay = new DatabaseRelay(target);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get port(): number {
    // A TCP server that listens has an address of this form.
    return (this.#server.address() as AddressInfo).port;
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
    for (const cut of this.#lines) cut();
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

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const cut of this.#lines) cut();
    await closed;
  }

  #relay(client: Socket): void {
    if (this.#parted) {
      clearTimeout(this.#quietTimer);
      if (this.#quiet) this.#quietTimer = setTimeout(this.#quiet, QUIET_MS);
      client.destroy();
      return;
    }
    const server = tcpConnect(this.#target);
    const cut = () => {
      this.#lines.delete(cut);
      client.destroy();
      server.destroy();
    };
    this.#lines.add(cut);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', cut);
      socket.on('close', cut);
    }
    this.#pass(client, server, cut);
  }

  #pass(client: Socket, server: Socket, cut: () => void): void {
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
