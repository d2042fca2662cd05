import assert from 'node:assert/strict';
import { test } from 'node:test';
import { column, orNull } from '../../../infra/mysql/rows.ts';
import { ledgerTable } from './table.ts';

const WRITER = { slot: 3, epoch: 5, seq: 1n };
const AT_MS = Date.UTC(2026, 10, 24, 3);

const boxes = ledgerTable({
  name: 'boxes',
  key: ['id'],
  fixed: { id: column.integer, madeAtMs: column.ms },
  changing: { content: orNull(column.text), closedAtMs: orNull(column.ms) },
  stamped: true,
});
const open = { id: 7, madeAtMs: AT_MS, content: "it's", closedAtMs: null };

const parts = ledgerTable({
  name: 'parts',
  key: ['box', 'hash'],
  fixed: { box: column.text, hash: column.bytes },
  changing: { count: column.bigint },
});
const part = { box: "o'7", hash: Buffer.from([1, 2]), count: 9n };

test('one list of columns makes the lock, the parser, the insert and the update', () => {
  const names = 'id,made_at,content,closed_at';
  assert.equal(boxes.lock(['7', '8']), `SELECT ${names} FROM boxes WHERE id IN (7,8) ORDER BY id FOR UPDATE`);
  const record = { id: '7', made_at: '2026-11-24 03:00:00.000', content: "it's", closed_at: null };
  assert.deepEqual(boxes.parse(record), ['7', open]);
  assert.equal(
    boxes.insert([open, { ...open, id: 8, content: null }], WRITER),
    `INSERT INTO boxes (${names},slot,epoch) VALUES (7,'2026-11-24 03:00:00.000','it\\'s',NULL,3,5),(8,'2026-11-24 03:00:00.000',NULL,NULL,3,5)`,
  );
  assert.equal(
    boxes.update([{ ...open, closedAtMs: AT_MS }], WRITER),
    "UPDATE boxes SET content=CASE id WHEN 7 THEN 'it\\'s' END,closed_at=CASE id WHEN 7 THEN '2026-11-24 03:00:00.000' END WHERE id IN (7)",
  );
});

test('a key of several columns finds its row whatever its text, and is the same when the row is read', () => {
  const id = parts.idOf(part);
  assert.equal(id, "(box='o\\'7' AND hash=0x0102)");
  const other = parts.idOf({ box: 'p', hash: Buffer.alloc(1) });
  assert.equal(
    parts.lock([id, other]),
    `SELECT box,hash,count FROM parts WHERE ${id} OR ${other} ORDER BY box,hash FOR UPDATE`,
  );
  assert.deepEqual(parts.parse({ box: "o'7", hash: Buffer.from([1, 2]), count: '9' }), [id, part]);
  assert.match(parts.update([part], WRITER), /^INSERT INTO parts .* ON DUPLICATE KEY UPDATE count=VALUES\(count\)$/);
});
