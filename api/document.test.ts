import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { readConfig } from '../infra/config.ts';
import { documentExamples } from './examples.ts';
import { openApiDocument } from './http/openapi.ts';
import { allRoutes, type RouteServices } from './routes.ts';

/** Routes look at their services when they are called, not before. */
const services: RouteServices = Object.create(null);
const routes = allRoutes(services, readConfig({}));
const document: unknown = JSON.parse(JSON.stringify(openApiDocument(routes, documentExamples())));

const fields = z.record(z.string(), z.unknown());
const media = z.record(z.string(), z.looseObject({ example: z.unknown().optional() })).default({});
const { paths } = z
  .object({
    paths: z.record(
      z.string(),
      z.record(
        z.string(),
        z.object({
          operationId: z.string(),
          summary: z.string().min(1),
          parameters: z.array(z.looseObject({ name: z.string(), description: z.string().optional() })).default([]),
          requestBody: z.looseObject({ content: media }).optional(),
          responses: z.record(z.string(), z.looseObject({ content: media })),
        }),
      ),
    ),
  })
  .parse(document);
const operations = Object.values(paths).flatMap((methods) => Object.values(methods));

/** Paths of the properties that say nothing of themselves. */
function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const inner = Object.entries(schema).flatMap(([name, member]) => undescribed(member, `${path}.${name}`));
  const properties = fields.safeParse(Reflect.get(schema, 'properties'));
  if (!properties.success) return inner;
  const silent = Object.entries(properties.data).filter(
    ([, property]) => typeof property !== 'object' || property === null || !('description' in property),
  );
  return [...silent.map(([name]) => `${path}.${name}`), ...inner];
}

test('every operation has a name of its own in camelCase', () => {
  const names = operations.map(({ operationId }) => operationId);
  assert.ok(names.length > 70);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z][a-zA-Z]+$/);
});

test('every field and parameter of every operation is described', () => {
  const parameters = operations.flatMap(({ operationId, parameters: all }) =>
    all.filter(({ description }) => !description).map(({ name }) => `${operationId} ${name}`),
  );
  // An example may have a field named "properties".
  const withoutExamples: unknown = JSON.parse(
    JSON.stringify(document, (name, value) => (name === 'example' ? undefined : value)),
  );
  assert.deepEqual([...parameters, ...undescribed(withoutExamples, '')], []);
});

test('every operation has an example of its answer, and of its body where it takes one', () => {
  const missing = operations.filter(({ requestBody, responses }) => {
    const has = (content: z.output<typeof media>) =>
      Object.values(content).some(({ example }) => example !== undefined);
    return (requestBody && !has(requestBody.content)) || !Object.values(responses).some(({ content }) => has(content));
  });
  assert.deepEqual(
    missing.map(({ operationId }) => operationId),
    [],
  );
});
