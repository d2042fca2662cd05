/** The manifests: valid by Kubernetes' own schema, and in step with infra/config.ts, the image and compose. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { Job } from 'kubernetes-models/batch/v1';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Namespace, Secret, Service } from 'kubernetes-models/v1';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { environmentSchema } from '../config/settings.ts';
import { readConfig } from '../config.ts';

const ROOT = join(import.meta.dirname, '../..');
const MODELS = {
  ...{ Deployment, HorizontalPodAutoscaler, Job, Ingress, PodDisruptionBudget },
  ...{ ConfigMap, Namespace, Secret, Service },
};

const podSchema = z.object({
  automountServiceAccountToken: z.literal(false),
  securityContext: z.object({ runAsNonRoot: z.literal(true) }).loose(),
  containers: z
    .array(
      z
        .object({
          image: z.string().regex(/:\d+\.\d+\.\d+$/),
          command: z.tuple([z.literal('sh')]).optional(),
          args: z.tuple([z.string()]),
          env: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
          securityContext: z
            .object({ allowPrivilegeEscalation: z.literal(false), readOnlyRootFilesystem: z.literal(true) })
            .loose(),
          resources: z.object({ requests: z.looseObject({}), limits: z.object({ memory: z.string() }) }),
        })
        .loose(),
    )
    .length(1),
});
const documentSchema = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
  data: z.record(z.string(), z.string()).default({}),
  stringData: z.record(z.string(), z.string()).default({}),
  spec: z.looseObject({ template: z.looseObject({ spec: z.unknown() }).optional() }).optional(),
});

const documents = globSync('*.yaml', { cwd: import.meta.dirname })
  .sort()
  .flatMap((file) => parseAllDocuments(readFileSync(join(import.meta.dirname, file), 'utf8')))
  .map((document) => document.toJS());
const known = documents.map((document) => documentSchema.parse(document));
const pods = known.flatMap(({ spec }) => (spec?.template ? [podSchema.parse(spec.template.spec)] : []));

test('every object is valid by its schema and stands in the one namespace', () => {
  assert.equal(known.length, 13);
  known.forEach(({ kind, metadata }, index) => {
    const Model = MODELS[z.enum(Object.keys(MODELS) as [keyof typeof MODELS]).parse(kind)];
    new Model(documents[index]).validate();
    if (kind !== 'Namespace') assert.equal(metadata.namespace, 'llm-gateway');
  });
});

test('the schema check can fail', () => {
  const [deployment] = documents.filter((document) => document.kind === 'Deployment');
  assert.throws(() => new Deployment({ ...deployment, spec: { ...deployment.spec, replicas: 'two' } }).validate());
});

test('API, worker and migration run from one image, unprivileged, with limits, by commands that exist', () => {
  const image = pods.filter((pod) => pod.containers[0]?.command === undefined);
  assert.equal(image.length, 3);
  const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true });
  const ours = [compose.services.api, compose.services.worker, compose.services.migrate];
  const commands = image.map((pod) => pod.containers[0]?.args[0]);
  assert.deepEqual(commands.toSorted(), ours.map((service) => service.command[0]).toSorted());
  const images = new Set(image.map((pod) => pod.containers[0]?.image.split('/').at(-1)));
  assert.deepEqual([...images], [ours[0].image]);
});

test('every variable is one of infra/config.ts, and all that compose sets is set here too', () => {
  const inPods = pods.flatMap((pod) =>
    pod.containers.flatMap(({ env }) => env.map(({ name }) => name)).filter((name) => name !== 'HOME'),
  );
  const set = new Set([...known.flatMap(({ data, stringData }) => Object.keys({ ...data, ...stringData })), ...inPods]);
  assert.deepEqual(
    [...set].filter((name) => !(name in environmentSchema.shape)),
    [],
  );
  const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true });
  const inCompose = [compose.services.api, compose.services.worker].flatMap(({ environment }) =>
    Object.entries(environment).flatMap(([name, value]) => (value === '' ? [] : [name])),
  );
  // A folder that processes share is compose's; pods have a bucket.
  assert.deepEqual(
    [...new Set(inCompose)].filter((name) => !set.has(name) && name !== 'STORAGE_FOLDER'),
    [],
  );
});

test('the ingress lets in every route but those for operators', () => {
  const ingress = documents.find(({ kind }) => kind === 'Ingress');
  const paths = z
    .array(z.object({ path: z.string() }))
    .parse(ingress.spec.rules[0].http.paths)
    .map(({ path }) => path);
  const routes = [...readFileSync(join(ROOT, 'test/api/access-table.txt'), 'utf8').matchAll(/^[A-Z]+ (\S+)/gm)];
  const closed = routes
    .map(([, route = '']) => route)
    .filter((route) => !paths.some((path) => route === path || route.startsWith(`${path}/`)));
  assert.deepEqual([...new Set(closed)].sort(), ['/metrics', '/readyz']);
});

test('settings and filled-in secrets start the product; the form as it is does not', () => {
  const settings = known.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
  const form = known.find(({ kind }) => kind === 'Secret')?.stringData ?? {};
  const filled = Object.fromEntries(Object.keys(form).map((name) => [name, 'not-a-secret-of-anybody']));
  const MONGODB_URI = 'mongodb://gateway:c0ffee@mongo:27017/llm-proxy';
  const encryption = `1:${Buffer.alloc(32, 7).toString('base64')}`;
  assert.ok(readConfig({ ...settings, ...filled, MONGODB_URI, KEY_ENCRYPTION_KEY: encryption }).production);
  assert.throws(() => readConfig({ ...settings, ...form }), /MONGODB_URI/);
  assert.throws(() => readConfig({ ...settings, ...form, MONGODB_URI }), /JWT_SECRET/);
});
