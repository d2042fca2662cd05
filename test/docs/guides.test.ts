/** Documents whose commands are run, all in the order of the text, and whose shown output is compared. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Product } from '../e2e/product.ts';
import { sharedProduct } from '../e2e/shared-product.ts';
import { complaintOf, readDocument, runDocument, stepsOf } from './document.ts';

let product: Product;
before(async () => {
  ({ product } = await sharedProduct('documents'));
});

/** Documents and the fewest commands each has, so that none is emptied unnoticed. */
const GUIDES = { 'docs/api-guide.md': 20, 'docs/adding-a-provider.md': 8 };

for (const [path, fewest] of Object.entries(GUIDES)) {
  test(`${path}: every command works and prints what the text says`, async () => {
    const simulator = new URL(product.simulator.url);
    const results = await runDocument(path, {
      settings: { ROOT_PASSWORD: product.rootPassword },
      replaced: { 'http://localhost:8060': product.apis[0]?.url ?? '', 'http://127.0.0.1:8070': simulator.origin },
    });
    assert.ok(results.length >= fewest, `${results.length} commands`);
    const complaints = results.flatMap((result) => complaintOf(result) ?? []);
    assert.deepEqual(complaints, [], complaints.join('\n\n'));
  });
}

test('a command that prints something else is reported with its line', () => {
  const [step] = stepsOf(
    'text\n\n```bash\ncurl x\n```\n```json\n{"code": 200, "data": {"id": 7, "name": "a…c"}}\n```\n',
  );
  assert.ok(step);
  const complaint = (output: string) => complaintOf({ step, output, exitCode: 0 });
  assert.equal(complaint('{"code":200,"data":{"id":8,"name":"abc","more":1}}'), undefined);
  assert.match(complaint('{"code":200,"data":{"id":8,"name":"abd"}}') ?? '', /^line 3: data\.name is "abd"/);
  assert.match(complaint('{"code":500}') ?? '', /^line 3: code is 500/);
  assert.match(
    complaintOf({ step: { ...step, expected: undefined }, output: '{"code":404}', exitCode: 0 }) ?? '',
    /404/,
  );
});

test('relative links of all documents lead to files', async () => {
  const { existsSync, globSync } = await import('node:fs');
  const { dirname, join } = await import('node:path');
  for (const path of [
    'README.md',
    'README.zh-CN.md',
    'CONTRIBUTING.md',
    ...globSync('docs/**/*.md'),
    'test_scripts/README.md',
  ]) {
    for (const [, target = ''] of readDocument(path).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
      if (!target.includes('://')) assert.ok(existsSync(join(dirname(path), target)), `${path}: ${target}`);
    }
  }
});
