/**
 * A relay between our processes and the database that announces other column types for the same values. It reads the
 * text protocol as mysql2 speaks it: answers end with EOF packets, without TLS and compression.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { HEADER_BYTES, MySqlRelay, PacketSplitter, type RelayTarget } from '../mysql-relay.ts';
import { type Announcement, TYPE, type TypeName } from './announcements.ts';

/** A packet of this length goes on in the next one. */
const FULL_PACKET_BYTES = 0xff_ff_ff;
/** The longest packet that ends columns or rows. */
const EOF_BYTES = 5;
const COM_QUERY = 0x03;
const COM_STMT_EXECUTE = 0x17;
const MORE_RESULTS = 0x0008;
/** COMPRESS, SSL, DEPRECATE_EOF: with these, answers have another form. */
const OTHER_FORMS = 0x0000_0020 | 0x0000_0800 | 0x0100_0000;

const CHARSET = { binary: 63, utf8mb4: 45 };
/** A column's definition begins with names: catalog, schema, alias of the table, table, … */
const OWN_TABLE = 3;
/** It ends with character set, length, type, flags, decimals and two bytes more. */
const FIXED_BYTES = 12;

const NAME_OF = new Map<number, TypeName>(Object.entries(TYPE).map(([name, number]) => [number, name as TypeName]));

export class AnnouncingRelay extends MySqlRelay {
  #announce: Announcement = () => undefined;
  /** How many columns were announced otherwise, such as "TINY → LONGLONG". */
  readonly changed = new Map<string, number>();

  static async open(target: RelayTarget): Promise<AnnouncingRelay> {
    const relay = new AnnouncingRelay(target);
    await relay.listen();
    return relay;
  }

  /** From now on. Open connections are cut, so that what is read at their beginning is read again. */
  announce(announcement: Announcement): void {
    this.#announce = announcement;
    this.changed.clear();
    this.cutLines();
  }

  protected override pass(client: Socket, server: Socket): void {
    const answers = new AnswerReader((definition) => this.#change(definition));
    const [asked, answered] = [new PacketSplitter(), new PacketSplitter()];
    client.on('data', (chunk) => {
      for (const packet of asked.packets(chunk)) answers.asked(packet);
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      const packets = [...answered.packets(chunk)];
      for (const packet of packets) answers.answered(packet);
      if (packets.length > 0) client.write(Buffer.concat(packets));
    });
  }

  /** Changes a column's definition where it stands. */
  #change(definition: Buffer): void {
    let ownTable = lengthEncoded(definition, 0);
    for (let name = 0; name < OWN_TABLE; name += 1)
      ownTable = lengthEncoded(definition, ownTable.next + ownTable.value);
    // MariaDB may say more of a type between the names and these.
    const at = definition.byteLength - FIXED_BYTES;
    const [charsetAt, typeAt, decimalsAt] = [at, at + 6, at + 9];
    const type = NAME_OF.get(definition.readUInt8(typeAt));
    if (type === undefined) return;
    const isText = definition.readUInt16LE(charsetAt) !== CHARSET.binary;
    const decimals = definition.readUInt8(decimalsAt);
    const other = this.#announce({ type, isText, decimals, isExpression: ownTable.value === 0 });
    if (other === undefined) return;
    const change = `${type} → ${other}`;
    this.changed.set(change, (this.changed.get(change) ?? 0) + 1);
    const isNumber = other === 'LONG' || other === 'LONGLONG' || other === 'NEWDECIMAL';
    definition.writeUInt16LE(isNumber ? CHARSET.binary : CHARSET.utf8mb4, charsetAt);
    definition.writeUInt8(TYPE[other], typeAt);
    definition.writeUInt8(0, decimalsAt);
  }
}

/** Follows one connection; passes on each definition of a column. */
class AnswerReader {
  readonly #onColumn: (definition: Buffer) => void;
  #phase: 'sign-in' | 'other' | 'prepared' | 'answer' | 'columns' | 'end-of-columns' | 'rows' = 'sign-in';
  #columns = 0;
  #goesOn = { asked: false, answered: false };

  constructor(onColumn: (definition: Buffer) => void) {
    this.#onColumn = onColumn;
  }

  asked(packet: Buffer): void {
    const isRest = this.#goesOn.asked;
    this.#goesOn.asked = packet.readUIntLE(0, 3) === FULL_PACKET_BYTES;
    if (isRest) return;
    const payload = packet.subarray(HEADER_BYTES);
    if (this.#phase === 'sign-in') {
      // Its answer is the first packet of a client; those after it are shorter than their capabilities.
      if (packet.readUInt8(3) === 1) assert.equal(payload.readUInt32LE(0) & OTHER_FORMS, 0, 'a form nobody reads here');
      return;
    }
    if (payload[0] === COM_QUERY) this.#phase = 'answer';
    else this.#phase = payload[0] === COM_STMT_EXECUTE ? 'prepared' : 'other';
  }

  answered(packet: Buffer): void {
    const isRest = this.#goesOn.answered;
    this.#goesOn.answered = packet.readUIntLE(0, 3) === FULL_PACKET_BYTES;
    if (!isRest) this.#answered(packet.subarray(HEADER_BYTES));
  }

  #answered(payload: Buffer): void {
    const [first] = payload;
    const isEnd = first === 0xfe && payload.byteLength <= EOF_BYTES;
    if (this.#phase === 'other') return;
    if (this.#phase === 'sign-in') {
      if (first === 0x00) this.#phase = 'other';
    } else if (first === 0xff) {
      this.#phase = 'other';
    } else if (this.#phase === 'prepared') {
      assert.equal(first, 0x00, 'rows of prepared statements are not read here');
    } else if (this.#phase === 'answer') {
      this.#answerBegins(payload);
    } else if (this.#phase === 'columns') {
      this.#onColumn(payload);
      this.#columns -= 1;
      if (this.#columns === 0) this.#phase = 'end-of-columns';
    } else if (this.#phase === 'end-of-columns') {
      assert.ok(isEnd, 'EOF after the columns');
      this.#phase = 'rows';
    } else if (isEnd) {
      this.#ends(payload.readUInt16LE(3));
    }
  }

  #answerBegins(payload: Buffer): void {
    assert.notEqual(payload[0], 0xfb, 'files are not sent here');
    if (payload[0] !== 0x00) {
      this.#columns = lengthEncoded(payload, 0).value;
      this.#phase = 'columns';
      return;
    }
    const insertId = lengthEncoded(payload, lengthEncoded(payload, 1).next);
    this.#ends(payload.readUInt16LE(insertId.next));
  }

  #ends(status: number): void {
    this.#phase = status & MORE_RESULTS ? 'answer' : 'other';
  }
}

function lengthEncoded(payload: Buffer, at: number): { readonly value: number; readonly next: number } {
  const first = payload.readUInt8(at);
  if (first === 0xfc) return { value: payload.readUInt16LE(at + 1), next: at + 3 };
  if (first === 0xfd) return { value: payload.readUIntLE(at + 1, 3), next: at + 4 };
  if (first === 0xfe) return { value: Number(payload.readBigUInt64LE(at + 1)), next: at + 9 };
  return { value: first, next: at + 1 };
}
