import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adminCommand } from './admin-arguments.ts';
import { UsageError } from './command.ts';

test('each command is read with its defaults', () => {
  assert.deepEqual(adminCommand(['create-user', 'ann']), {
    ...{ kind: 'create-user', username: 'ann', role: 'ROLE_USER', balance: 0n },
  });
  assert.deepEqual(adminCommand(['create-user', 'ann', '--role', 'ROLE_ROOT_ADMIN', '--balance', '1.5']), {
    ...{ kind: 'create-user', username: 'ann', role: 'ROLE_ROOT_ADMIN', balance: 1_500_000_000n },
  });
  assert.deepEqual(adminCommand(['reset-password', 'ann']), { kind: 'reset-password', username: 'ann' });
  assert.deepEqual(adminCommand(['list', '--page', '3']), { kind: 'list', pageNum: 3 });
  assert.deepEqual(adminCommand(['list']), { kind: 'list', pageNum: 1 });
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

test('what is wrong is reported as a wrong call', () => {
  const wrong: [string[], string][] = [
    [[], 'a command is missing'],
    [['drop', 'ann'], '"drop" is no command'],
    [['create-user'], 'NAME is missing'],
    [['grant', 'ann'], 'AMOUNT is missing'],
    [['grant', 'ann', 'much'], '"much" is not an amount with at most 9 decimals'],
    [['grant', 'ann', '2', '3'], '"3" is one word too many'],
    [['create-user', 'a', '--role', 'x'], '"x" is not a role'],
    [['create-user', 'a', '--balance', '-1,5'], '"-1,5" is not an amount with at most 9 decimals'],
    [['list', '--role', 'nope'], 'list has no option --role'],
    [['list', '--page', 'x'], '"x" is no page number'],
    [['list', '--nope'], "Unknown option '--nope'"],
    [['list', '--page'], "Option '--page <value>' argument missing"],
  ];
  for (const [args, reason] of wrong) {
    assert.throws(
      () => adminCommand(args),
      (error) => {
        assert.ok(error instanceof UsageError);
        assert.equal(error.message, reason, args.join(' '));
        return true;
      },
    );
  }
});
