import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts.ts';
import { environmentSchema } from '../config.ts';

const ROOT = join(import.meta.dirname, '../..');

const serviceSchema = z.looseObject({
  image: z.string(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  restart: z.string(),
  command: z.union([z.string(), z.array(z.string())]).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
});
const composeSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  volumes: z.record(z.string(), z.unknown()),
});

const compose = composeSchema.parse(parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }));
const services = Object.entries(compose.services);
const ours = services.filter(([, service]) => service.build !== undefined);

test('compose brings up every part', () => {
  const expected = ['mysql', 'redis', 'mongo', 'temporal', 'temporal-ui', 'migrate', 'api', 'worker'];
  for (const name of expected) assert.ok(compose.services[name], name);
  assert.deepEqual(compose.services['temporal-ui']?.ports, ['127.0.0.1:8233:8080']);
  assert.deepEqual(compose.services.api?.ports, ['8060:8060']);
});

test('every image is pinned by version', () => {
  const dockerfile = readFileSync(join(ROOT, 'infra/docker/Dockerfile'), 'utf8');
  const stages = [...dockerfile.matchAll(/ AS (\w+)/g)].map((match) => match[1]);
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1] ?? '');
  const images = [...services.map(([, service]) => service.image), ...bases.filter((base) => !stages.includes(base))];
  assert.ok(images.length > services.length);
  for (const image of images) assert.match(image, /^[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*$/, image);
});

test('every setting that compose gives our processes exists, and every secret must be set', () => {
  assert.equal(ours.length, 3);
  for (const [name, service] of ours) {
    for (const [variable, value] of Object.entries(service.environment)) {
      assert.ok(variable in environmentSchema.shape, `${name}: ${variable} is not read by infra/config.ts`);
      if (/SECRET|PASSWORD|ENCRYPTION/.test(variable)) assert.match(value, /^\$\{\w+:\?/, `${name}: ${variable}`);
    }
  }
});

test('every setting of .env reaches our processes, and only servers of compose are named over it', () => {
  const addresses = /^(DB|REDIS|MONGODB|TEMPORAL)_|^(NODE_ENV|STORAGE_FOLDER|SHUTDOWN_GRACE|PORT|WORKER_PORT)$/;
  for (const [name, service] of ours) {
    assert.deepEqual(service.env_file, [{ path: '.env', required: false }], name);
    for (const [variable, value] of Object.entries(service.environment)) {
      if (!value.includes(`\${${variable}`)) assert.match(variable, addresses, `${name}: ${variable} cannot be set`);
    }
  }
});

test('what is waited for exists and can become healthy', () => {
  for (const [name, service] of services) {
    for (const [needed, { condition }] of Object.entries(service.depends_on)) {
      const other = compose.services[needed];
      assert.ok(other, `${name} waits for ${needed}, which is not there`);
      if (condition === 'service_healthy') assert.ok(other.healthcheck, `${needed} has no health check`);
      else assert.equal(condition, 'service_completed_successfully');
    }
  }
});

test('named volumes are declared, mounted files exist', () => {
  for (const [name, service] of services) {
    for (const volume of service.volumes) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('./')) assert.ok(readFileSync(join(ROOT, source)).length > 0, source);
      else assert.ok(source in compose.volumes, `${name}: volume ${source}`);
    }
  }
});

test('the start command of each process is a file of the image', () => {
  const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
  for (const [name, service] of ours) {
    const [file = ''] = service.command ?? [];
    assert.ok(readFileSync(join(ROOT, file)).length > 0, `${name}: ${file}`);
    assert.ok(ignored.includes(`!${file.split('/')[0]}`), `${file} is not sent to the build`);
  }
});

test('the namespace script makes the search attributes of the workflows', () => {
  const script = readFileSync(join(ROOT, 'infra/docker/temporal-namespace.sh'), 'utf8');
  const kinds = { KEYWORD: 'Keyword', INT: 'Int' };
  for (const [name, kind] of Object.entries(SEARCH_ATTRIBUTES))
    assert.ok(script.includes(`${name}:${kinds[kind]}`), name);
});
