import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namespaceFindings } from './temporal.ts';

const ALL = new Map([
  ['Modality', 'KEYWORD'],
  ['UserId', 'INT'],
  ['Model', 'KEYWORD'],
  ['Provider', 'KEYWORD'],
  ['OrderNo', 'KEYWORD'],
  ['TheirOwn', 'TEXT'],
]);
const DAY_MS = 86_400_000;

test('a namespace as the script makes it is good, and what no client sees is said', () => {
  const findings = namespaceFindings({ retentionMs: 30 * DAY_MS, searchAttributes: ALL }, 'default');
  assert.deepEqual(new Set(findings.map(({ state }) => state)), new Set(['good']));
  assert.match(findings[0]?.text ?? '', /fairness .* only its own configuration shows/);
});

test('search attributes that are missing or of another type are named with the command that makes them', () => {
  const searchAttributes = new Map([...ALL].filter(([name]) => name !== 'Model')).set('UserId', 'KEYWORD');
  const [attributes, retention] = namespaceFindings({ retentionMs: DAY_MS, searchAttributes }, 'gw');
  assert.equal(attributes?.state, 'bad');
  assert.match(attributes?.text ?? '', /: UserId, Model; workflows do not start/);
  assert.match(attributes?.advice ?? '', /-n gw with --name UserId --type Int --name Model --type Keyword$/);
  assert.equal(retention?.state, 'warning');
  assert.match(retention?.advice ?? '', /namespace update -n gw --retention 720h/);
});
