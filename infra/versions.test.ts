/** infra/versions.json is the one list of versions: image, compose, manifests, local servers and documents follow it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const version = z.string().regex(/^\d+\.\d+\.\d+$/);
const versions = z
  .strictObject({
    ...{ node: version, mysql: version, mongo: version, redis: version, caddy: version, ferretdb: version },
    temporal: z.strictObject({ server: version, 'admin-tools': version, ui: version, cli: version }),
  })
  .parse(JSON.parse(read('infra/versions.json')));
const { temporal } = versions;

const IMAGES: Readonly<Record<string, string>> = {
  mysql: versions.mysql,
  mongo: versions.mongo,
  redis: `${versions.redis}-alpine`,
  caddy: `${versions.caddy}-alpine`,
  'temporalio/server': temporal.server,
  'temporalio/admin-tools': temporal['admin-tools'],
  'temporalio/ui': temporal.ui,
  'llm-gateway': z.object({ version }).parse(JSON.parse(read('package.json'))).version,
};

function assertImage(image: string): void {
  const [name = '', tag] = image.replace(/^registry\.example\.com\//, '').split(':');
  assert.ok(name in IMAGES, `${image} is in no list`);
  assert.equal(tag, IMAGES[name], image);
}

test('compose and manifests run the versions of the list', () => {
  const compose = z
    .object({ services: z.record(z.string(), z.object({ image: z.string() })) })
    .parse(parse(read('docker-compose.yml'), { merge: true }));
  for (const { image } of Object.values(compose.services)) assertImage(image);
  for (const file of ['api', 'worker', 'migrate', 'temporal']) {
    const images = [...read(`infra/kubernetes/${file}.yaml`).matchAll(/ image: (\S+)/g)].map(([, image = '']) => image);
    assert.ok(images.length > 0, file);
    images.forEach(assertImage);
  }
});

test('the image has the Node that a clone has', () => {
  const bases = [...read('infra/docker/Dockerfile').matchAll(/^FROM node:(\S+)/gm)].map(([, tag]) => tag);
  assert.deepEqual(new Set(bases), new Set([`${versions.node}-bookworm-slim`]));
  const { devDependencies } = z
    .object({ devDependencies: z.looseObject({ node: version }) })
    .parse(JSON.parse(read('package.json')));
  assert.equal(devDependencies.node, versions.node);
});

test('the local servers are those of the list, MySQL of the same line', () => {
  assert.match(read('devstack/mongo.ts'), new RegExp(`MONGOD_VERSION = '${versions.mongo}'`));
  assert.match(read('devstack/temporal.ts'), new RegExp(`CLI_VERSION = '${temporal.cli}'`));
  const modules = read('devstack/go/go.mod');
  assert.ok(modules.includes(`github.com/FerretDB/FerretDB v${versions.ferretdb}`));
  assert.ok(modules.includes(`github.com/temporalio/cli v${temporal.cli}`));
});

test('the deployment guide names each', () => {
  const guide = read('docs/deployment.md');
  const row = (name: string, value: string) => assert.ok(guide.includes(`| ${name} | ${value} |`), `${name} ${value}`);
  for (const [name, value] of [
    ['Node', versions.node],
    ['MySQL', versions.mysql],
    ['MongoDB', versions.mongo],
    ['Redis', versions.redis],
    ['Caddy', versions.caddy],
    ['Temporal server', temporal.server],
    ['Temporal admin-tools', temporal['admin-tools']],
    ['Temporal UI', temporal.ui],
  ] as const) {
    row(name, value);
  }
});
