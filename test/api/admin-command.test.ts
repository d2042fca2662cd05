import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import { execa } from 'execa';
import { systemVariables } from '../../devstack/environment.ts';
import type { Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { ask, signIn } from './asking.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');

describe('npm run admin', () => {
  let product: Product;
  before(async () => {
    ({ product } = await sharedProduct('api'));
  });

  /** As `npm run admin -- …` runs it, with the settings of the product. */
  const admin = (args: readonly string[], input = '') => {
    const settings = Object.entries(product.config).map(([name, value]) => [name, String(value)] as const);
    const named = settings.filter(([name]) =>
      /^(DB|REDIS|MONGODB|TEMPORAL)_|^(KEY_ENCRYPTION_KEY|JWT_SECRET)$/.test(name),
    );
    return execa(process.execPath, [join(CHECKOUT, 'cli/admin.ts'), ...args], {
      env: { ...systemVariables(), ...Object.fromEntries(named) },
      extendEnv: false,
      input,
      reject: false,
    });
  };
  const me = async (token: string) => ask(product.apis[0], 'GET', '/v1/auth/me', { bearer: token });

  test('makes a user, grants, lists and resets a password', async () => {
    const made = await admin(
      ['create-user', 'keyboard', '--role', 'ROLE_MODEL_ADMIN', '--balance', '2.5'],
      'first password\n',
    );
    assert.equal(made.exitCode, 0, made.stderr);
    const token = await signIn(product.apis[0], 'keyboard', 'first password');
    assert.deepEqual(
      [(await me(token)).at('data.role'), (await me(token)).at('data.balance')],
      ['ROLE_MODEL_ADMIN', 2.5],
    );
    const granted = await admin(['grant', 'keyboard', '-1.25', '--reason', 'taken back']);
    assert.match(granted.stdout, /is now 1\.25$/);
    assert.equal((await me(token)).at('data.balance'), 1.25);
    const list = await admin(['list']);
    assert.match(list.stdout, /keyboard {2}ROLE_MODEL_ADMIN {2}1\.25 \(held 0\)/);
    const reset = await admin(['reset-password', 'keyboard'], 'second password\n');
    assert.equal(reset.exitCode, 0, reset.stderr);
    assert.equal((await me(await signIn(product.apis[0], 'keyboard', 'second password'))).status, 200);
    assert.equal((await me(token)).at('code'), 401002, 'the running API was told');
    const actions = await product.rows(
      "SELECT action, actor_name FROM audit_log WHERE target_kind='user' AND target_id=(SELECT id FROM users WHERE username='keyboard') ORDER BY id",
    );
    assert.deepEqual(
      actions.map(({ action, actor_name: actor }) => [action, actor]),
      ['users.create', 'users.adjust-balance', 'users.reset-password'].map((action) => [action, 'command line']),
    );
  });

  test('what cannot be done is one line and exit code 1, a wrong call the usage and 2', async () => {
    for (const args of [
      ['grant', 'nobody here', '1'],
      ['create-user', 'root'],
      ['grant', 'root', '-9999999'],
      ['fly'],
    ]) {
      const { exitCode, stderr } = await admin(args, 'some password\n');
      assert.equal(exitCode, args[0] === 'fly' ? 2 : 1, args.join(' '));
      assert.doesNotMatch(stderr, /at \w+ \(|node:internal/, args.join(' '));
    }
  });
});
