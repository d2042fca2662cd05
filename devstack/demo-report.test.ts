import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DemoResult } from './demo.ts';
import { demoReport, type ReportContext } from './demo-report.ts';

const ID = '01a22a40-8f02-7313-b6e6-f883a426180d';
const demo: DemoResult = {
  username: 'demo',
  accessKey: `ak-${'x'.repeat(63)}`,
  order: { orderNo: ID, status: 'COMPLETED', amount: '5', currency: 'CNY' },
  job: {
    id: ID,
    workflowId: `chat/user-2/${ID}`,
    status: 'COMPLETED',
    cost: '0.000474',
    answer: 'A gateway is one\nfront door. '.repeat(9),
  },
  chat: { model: 'sim-chat', cost: '0.000468', answer: 'Hello!' },
  openingBalance: '1234567.123456789',
  balance: '1234567.123456789',
  differenceNano: 0n,
};
const context: ReportContext = {
  apiUrl: 'http://localhost:8060',
  publicUrl: 'http://localhost:8060',
  temporalUiUrl: 'http://localhost:8233',
  temporalNamespace: 'default',
  currency: 'CNY',
  demoPassword: 'a-demo-password-of-32-characters',
  root: { kind: 'known', password: 'a-root-password' },
  rootSetting: 'ROOT_PASSWORD (.env)',
  webhooks: '127.0.0.1:8090,localhost:8090',
  dataFolder: '/home/somebody/llm-gateway/.local/start',
};

test('the report fits 80 columns but for the link, and its answers are one line each', () => {
  const lines = demoReport(demo, context).split('\n');
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [`http://localhost:8233/namespaces/default/workflows/chat%2Fuser-2%2F${ID}`],
  );
  assert.ok(lines.some((line) => /^ {13}"A gateway is one front door\. .* …"$/.test(line)));
  assert.ok(lines.includes('             "Hello!"'));
});

test('the console is named with the accounts that sign in to it', () => {
  const report = demoReport(demo, context);
  assert.match(report, /^Console {6}http:\/\/localhost:8060\/console /m);
  assert.match(report, /^demo user {4}demo \/ a-demo-password/m);
  assert.match(report, /^root user {4}root \/ a-root-password$/m);
});

test('a balance that is wrong is said so', () => {
  assert.match(demoReport({ ...demo, differenceNano: -1n }, context), /WRONG by -0\.000000001 CNY/);
});

test("ROOT's password is printed only where it is one of ours and really opens", () => {
  const shown = (root: ReportContext['root']) => demoReport(demo, { ...context, root });
  assert.match(shown({ kind: 'known', password: 'made-here' }), /root \/ made-here$/m);
  const asked = shown({ kind: 'asked', password: 'of-the-user' });
  assert.match(asked, /root, with the password of ROOT_PASSWORD \(\.env\)$/m);
  assert.ok(!asked.includes('of-the-user'));
  assert.match(shown({ kind: 'known-not-asked', password: 'before' }), /ROOT_PASSWORD \(\.env\) has no effect/);
  assert.match(shown({ kind: 'unknown' }), /npm run admin -- reset-password root/);
});

test('PUBLIC_URL is shown where it is another address', () => {
  assert.doesNotMatch(demoReport(demo, context), /PUBLIC_URL/);
  assert.match(demoReport(demo, { ...context, publicUrl: 'https://api.example.com' }), /https:\/\/api\.example\.com/);
});
