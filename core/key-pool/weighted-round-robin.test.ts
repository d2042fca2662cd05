import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WeightedRoundRobin } from './weighted-round-robin.ts';

const all = (): boolean => true;
const items = fc
  .array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 12 })
  .map((weights) => weights.map((weight, index) => ({ id: index + 1, weight })));

test('spreads the heavy item between the light ones, as nginx documents it for 5, 1, 1', () => {
  const turns = new WeightedRoundRobin();
  const keys = [
    { id: 1, weight: 5 },
    { id: 2, weight: 1 },
    { id: 3, weight: 1 },
  ];
  const order = Array.from({ length: 7 }, () => turns.next(keys, all)?.id);
  assert.deepEqual(order, [1, 1, 2, 1, 3, 1, 1]);
});

test('over every cycle each item comes exactly as often as its weight', () => {
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 3 }), (keys, cycles) => {
      const turns = new WeightedRoundRobin();
      const cycle = keys.reduce((sum, { weight }) => sum + weight, 0);
      for (let round = 0; round < cycles; round += 1) {
        const counts = new Map<number, number>();
        for (let turn = 0; turn < cycle; turn += 1) {
          const id = turns.next(keys, all)?.id ?? 0;
          counts.set(id, (counts.get(id) ?? 0) + 1);
        }
        for (const { id, weight } of keys) assert.equal(counts.get(id), weight);
      }
    }),
  );
});

test('gives only what is usable, and nothing when nothing is', () => {
  fc.assert(
    fc.property(items, fc.array(fc.nat(0xfff), { maxLength: 50 }), (keys, masks) => {
      const turns = new WeightedRoundRobin();
      for (const mask of masks) {
        const usable = ({ id }: { id: number }): boolean => ((mask >> (id - 1)) & 1) === 1;
        const next = turns.next(keys, usable);
        assert.equal(next !== undefined, keys.some(usable));
        if (next) assert.ok(usable(next));
      }
    }),
  );
});
