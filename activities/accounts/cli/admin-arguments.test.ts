import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adminCommand } from './admin-arguments.ts';

test('each command is read with its defaults', () => {
  assert.deepEqual(adminCommand(['create-user', 'ann']), {
    ...{ kind: 'create-user', username: 'ann', role: 'ROLE_USER', balance: 0n },
  });
  assert.deepEqual(adminCommand(['create-user', 'ann', '--role', 'ROLE_ROOT_ADMIN', '--balance', '1.5']), {
    ...{ kind: 'create-user', username: 'ann', role: 'ROLE_ROOT_ADMIN', balance: 1_500_000_000n },
  });
  assert.deepEqual(adminCommand(['reset-password', 'ann']), { kind: 'reset-password', username: 'ann' });
  assert.deepEqual(adminCommand(['list', '--page', '3']), { kind: 'list', pageNum: 3 });
  assert.deepEqual(adminCommand(['list', '--page', 'x']), { kind: 'list', pageNum: 1 });
});

test('an amount may be negative', () => {
  const reason = 'granted on the command line';
  assert.deepEqual(adminCommand(['grant', 'ann', '-2.5']), {
    ...{ kind: 'grant', username: 'ann', amount: -2_500_000_000n, reason },
  });
  assert.deepEqual(adminCommand(['grant', 'ann', '2', '--reason', 'gift']), {
    ...{ kind: 'grant', username: 'ann', amount: 2_000_000_000n, reason: 'gift' },
  });
});

test('what is wrong is told with the usage', () => {
  const wrong = [
    [],
    ['drop', 'ann'],
    ['create-user'],
    ['grant', 'ann'],
    ['grant', 'ann', 'much'],
    ['create-user', 'a', '--role', 'x'],
  ];
  for (const args of wrong) assert.throws(() => adminCommand(args), /usage:/, args.join(' '));
});
