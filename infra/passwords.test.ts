import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hash as bcryptHash } from '@node-rs/bcrypt';
import { AppError } from './errors.ts';
import { createPasswords } from './passwords.ts';

const passwords = await createPasswords();

test('a password verifies against its argon2id hash and no other does', async () => {
  const hash = await passwords.hash('correct horse');
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal(await passwords.verify('correct horse', hash), 'right');
  assert.equal(await passwords.verify('correct hors', hash), 'wrong');
  assert.notEqual(await passwords.hash('correct horse'), hash, 'each hash has its own salt');
});

test('bcrypt hashes of the earlier service are accepted and reported as outdated', async () => {
  // From the test vectors of jBCrypt, which the earlier service used.
  const vector = '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe';
  assert.equal(await passwords.verify('a', vector), 'right-but-outdated');
  assert.equal(await passwords.verify('b', vector), 'wrong');
  const current = await bcryptHash('geheim-密码', 5);
  for (const prefix of ['$2a$', '$2b$', '$2y$']) {
    const hash = prefix + current.slice(4);
    assert.equal(await passwords.verify('geheim-密码', hash), 'right-but-outdated', prefix);
    assert.equal(await passwords.verify('geheim', hash), 'wrong', prefix);
  }
});

test('weaker argon2id hashes are reported as outdated', async () => {
  const { hash } = await import('@node-rs/argon2');
  const weak = await hash('correct horse', { memoryCost: 8192, timeCost: 1, parallelism: 1 });
  assert.equal(await passwords.verify('correct horse', weak), 'right-but-outdated');
});

test('an unknown user takes about as long as a wrong password of either kind', async () => {
  const current = await passwords.hash('correct horse');
  const earlier = await bcryptHash('correct horse', 10);
  const attempts = {
    unknown: () => passwords.pretendToVerify('wrong'),
    current: () => passwords.verify('wrong', current),
    earlier: () => passwords.verify('wrong', earlier),
  };
  const fastestMs: Record<string, number> = {};
  for (let round = 0; round < 7; round += 1) {
    for (const [who, attempt] of Object.entries(attempts)) {
      const begin = performance.now();
      await attempt();
      fastestMs[who] = Math.min(fastestMs[who] ?? Number.POSITIVE_INFINITY, performance.now() - begin);
    }
  }
  const times = Object.values(fastestMs);
  assert.ok(Math.max(...times) < 2 * Math.min(...times), `fastest of 7, in ms: ${JSON.stringify(fastestMs)}`);
});

test('a flood of hashes is refused beyond the waiting line', async () => {
  const weak = await createPasswords(true);
  const outcomes = await Promise.allSettled(Array.from({ length: 70 }, () => weak.hash('x')));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  assert.equal(refused.length, 8, '2 run, 60 wait, 8 are refused');
  for (const { reason } of refused) assert.ok(reason instanceof AppError && reason.kind === 'tooManyRequests');
});

test('who has waited for too long is told to come back, and the next is served', async (t) => {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const weak = await createPasswords(true);
  const hashes = [1, 2, 3, 4].map(() => weak.hash('x'));
  nowMs = 5_001;
  const outcomes = await Promise.allSettled(hashes);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
  );
  assert.match(await weak.hash('x'), /^\$argon2id/);
});
