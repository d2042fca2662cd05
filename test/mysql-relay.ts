/** A TCP relay to the database, whose subclasses say what passes. MySQL's protocol is split into packets. */
import { type AddressInfo, createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';

export const HEADER_BYTES = 4;

/** Splits a stream into packets: three bytes of length, one of sequence, the payload. */
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

export interface RelayTarget {
  readonly host: string;
  readonly port: number;
}

export abstract class MySqlRelay {
  readonly #target: RelayTarget;
  readonly #server: Server;
  readonly #lines = new Set<() => void>();

  constructor(target: RelayTarget) {
    this.#target = target;
    this.#server = createServer((client) => this.#relay(client));
  }

  /** Listens on a free port of 127.0.0.1. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    // A TCP server that listens has an address of this form.
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cutLines();
    await closed;
  }

  /** Passes on what comes from both sides. `cut` breaks this line. */
  protected abstract pass(client: Socket, server: Socket, cut: () => void): void;

  /** Whether a new line is refused. */
  protected refuses(): boolean {
    return false;
  }

  protected cutLines(): void {
    for (const cut of this.#lines) cut();
  }

  #relay(client: Socket): void {
    if (this.refuses()) {
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
    this.pass(client, server, cut);
  }
}
