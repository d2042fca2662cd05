import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cached } from './cache.ts';
import {
  type Fetchable,
  findProgram,
  obtainPart,
  type PartUnavailable,
  planPart,
  type SourcesOfPart,
} from './sources.ts';

const SCRATCH = mkdtempSync(join(tmpdir(), 'sources-'));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

interface FakeFetchable extends Fetchable {
  asked: number;
  builds: number;
}

function fetchable(name: string, behaviour: { obstacle?: string; fails?: string } = {}): FakeFetchable {
  const fake: FakeFetchable = {
    asked: 0,
    builds: 0,
    label: name,
    entry: { name, version: '1' },
    size: '1 MB',
    time: '1 s',
    obstacle: async () => {
      fake.asked += 1;
      return behaviour.obstacle;
    },
    build: async (folder) => {
      fake.builds += 1;
      if (behaviour.fails) throw new Error(behaviour.fails);
      writeFileSync(join(folder, 'server'), '');
    },
    installation: (folder) => ({ origin: name, programs: { server: join(folder, 'server') }, environment: {} }),
  };
  return fake;
}

function part(fetchables: readonly Fetchable[], installed?: string): SourcesOfPart {
  const programs = { server: installed ?? '' };
  return {
    title: 'Server',
    onPath: async () => (installed ? { origin: 'PATH', programs, environment: {} } : undefined),
    fetchables,
    install: { packages: {}, program: 'a server' },
    address: 'SERVER_HOST',
  };
}

function setting() {
  const said: string[] = [];
  return {
    said,
    folders: [],
    cache: mkdtempSync(join(SCRATCH, 'sources-')),
    signal: new AbortController().signal,
    report: (text: string) => void said.push(text),
    tick: () => undefined,
  };
}

test('what is on PATH comes before the cache and before anything fetched', async () => {
  const options = setting();
  const archive = fetchable('archive');
  await cached(options.cache, archive.entry, (folder) => archive.build(folder, options));
  const plan = await planPart(part([archive], '/usr/bin/server'), options);
  assert.equal(plan.kind === 'ready' && plan.installation.origin, 'PATH');
});

test('what is in the cache comes before anything fetched, even of an earlier source', async () => {
  const options = setting();
  const [archive, build] = [fetchable('archive'), fetchable('build')];
  await cached(options.cache, build.entry, (folder) => build.build(folder, options));
  const plan = await planPart(part([archive, build]), options);
  assert.equal(plan.kind === 'ready' && plan.installation.origin, 'build');
  assert.equal(archive.asked, 0);
});

test('the first source without an obstacle is planned, and nothing is fetched yet', async () => {
  const options = setting();
  const sources = [fetchable('archive', { obstacle: 'no internet' }), fetchable('build'), fetchable('other')];
  const plan = await planPart(part(sources), options);
  assert.equal(plan.kind === 'fetch' && plan.fetchable.label, 'build');
  assert.deepEqual(
    sources.map(({ asked, builds }) => [asked, builds]),
    [
      [1, 0],
      [1, 0],
      [0, 0],
    ],
  );
});

test('a source that fails is said so and the next one is taken', async () => {
  const options = setting();
  const sources = [fetchable('archive', { fails: 'cut off' }), fetchable('build')];
  const server = part(sources);
  const { installation } = await obtainPart(server, await planPart(server, options), options);
  assert.equal(installation.origin, 'build');
  assert.deepEqual(options.said, ['archive failed: cut off']);
  assert.equal(sources[0]?.builds, 1);
});

test('where nothing works, the error says why and names one command', async () => {
  const options = setting();
  const server = part([fetchable('archive', { obstacle: 'no internet' }), fetchable('build', { fails: 'disk full' })]);
  const plan = await planPart(server, options);
  await assert.rejects(obtainPart(server, plan, options), (error: PartUnavailable) => {
    assert.equal(error.name, 'PartUnavailable');
    assert.match(error.message, /^ {2}archive: no internet\n {2}build: disk full$/m);
    assert.match(error.message, /^Put a server on PATH\. Or name one that runs elsewhere: SERVER_HOST\.$/m);
    return true;
  });
});

test('a fallback serves only where the part itself cannot be had, and the reason is reported', async () => {
  const options = setting();
  const second = { ...part([fetchable('substitute')], '/usr/bin/substitute'), title: 'Substitute' };
  const first = { ...part([fetchable('archive', { fails: 'cut off' })]), fallback: second };
  const plan = await planPart(first, options);
  assert.equal(plan.kind === 'fetch' && plan.fetchable.label, 'archive');
  const { installation, because } = await obtainPart(first, plan, options);
  assert.equal(installation.programs.server, '/usr/bin/substitute');
  assert.equal(because, 'no Server is installed; archive: cut off');

  const installed = { ...first, onPath: part([], '/usr/bin/server').onPath };
  const better = await obtainPart(installed, await planPart(installed, options), options);
  assert.equal(better.installation.programs.server, '/usr/bin/server');
  assert.equal(better.because, undefined);
});

test('an interrupted build is not followed by the next source', async () => {
  const abort = new AbortController();
  const options = { ...setting(), signal: abort.signal };
  const interrupted: Fetchable = {
    ...fetchable('archive'),
    build: async () => {
      abort.abort();
      throw new Error('killed');
    },
  };
  const next = fetchable('build');
  const server = part([interrupted, next]);
  await assert.rejects(obtainPart(server, await planPart(server, options), options), { name: 'AbortError' });
  assert.equal(next.asked, 0);
});

test('programs: names in their order, then folders in theirs; only what can be run', () => {
  const folder = mkdtempSync(join(SCRATCH, 'programs-'));
  for (const name of ['mysqld', 'mariadbd', 'notes']) writeFileSync(join(folder, name), '');
  for (const name of ['mysqld', 'mariadbd']) chmodSync(join(folder, name), 0o755);
  assert.equal(findProgram(['mariadbd', 'mysqld'], ['/nowhere', folder]), join(folder, 'mariadbd'));
  assert.equal(findProgram(['notes'], [folder]), undefined);
});
