/** The routes as /openapi.json describes them. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import type { Service } from '../../devstack/services.ts';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

const schemaObject = z.looseObject({});
const operationSchema = z.object({
  operationId: z.string(),
  summary: z.string(),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z
    .array(z.object({ name: z.string(), in: z.string(), required: z.boolean().optional(), schema: schemaObject }))
    .default([]),
  requestBody: z.object({ content: z.record(z.string(), z.object({ schema: schemaObject })) }).optional(),
  responses: z.record(z.string(), z.object({ description: z.string() })),
});
const documentSchema = z.object({
  openapi: z.string(),
  paths: z.record(z.string(), z.partialRecord(z.enum(METHODS), operationSchema)),
  components: z.object({ schemas: z.record(z.string(), schemaObject) }),
});

export interface DescribedRoute {
  readonly operationId: string;
  readonly method: string;
  /** `/v1/models/{id}` */
  readonly path: string;
  readonly pathFields: readonly string[];
  readonly queryFields: readonly string[];
  /** Top-level fields of a JSON body with their schemas; undefined when the route takes none. */
  readonly bodyFields: Readonly<Record<string, object>> | undefined;
  /** Schemas of all that a caller may send: bodies of each media type, and parameters. */
  readonly inputs: readonly object[];
  /** A field that the schema of its body does not have is refused. */
  readonly isStrict: boolean;
  readonly needsIdempotencyKey: boolean;
  readonly takesToken: boolean;
  readonly takesKey: boolean;
  /** A login token may be left out. */
  readonly needsNoCaller: boolean;
  /** Others get 403. */
  readonly forAdministrators: boolean;
}

export async function describedRoutes(api: Service | undefined): Promise<DescribedRoute[]> {
  assert.ok(api);
  const document = documentSchema.parse(await (await fetch(`${api.url}/openapi.json`)).json());
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    METHODS.flatMap((method) => {
      const operation = operations[method];
      return operation === undefined ? [] : [routeOf(method, path, operation, document.components.schemas)];
    }),
  );
}

function routeOf(
  method: string,
  path: string,
  operation: z.output<typeof operationSchema>,
  components: Readonly<Record<string, object>>,
): DescribedRoute {
  const fields = (place: string) => operation.parameters.filter((field) => field.in === place).map(({ name }) => name);
  const body = operation.requestBody?.content['application/json']?.schema;
  return {
    operationId: operation.operationId,
    method: method.toUpperCase(),
    path,
    pathFields: fields('path'),
    queryFields: fields('query'),
    inputs: [
      ...Object.values(operation.requestBody?.content ?? {}).map(({ schema }) => schema),
      ...operation.parameters.map(({ name, schema }) => ({ properties: { [name]: schema } })),
    ],
    isStrict: body?.additionalProperties === false,
    bodyFields: body === undefined ? undefined : propertiesOf(body, components),
    needsIdempotencyKey: operation.parameters.some(({ name, required }) => name === 'Idempotency-Key' && required),
    takesToken: operation.security.some((scheme) => 'loginToken' in scheme),
    takesKey: operation.security.some((scheme) => 'accessKey' in scheme),
    needsNoCaller: operation.security.some((scheme) => Object.keys(scheme).length === 0),
    forAdministrators: '403' in operation.responses,
  };
}

function propertiesOf(schema: object, components: Readonly<Record<string, object>>): Record<string, object> {
  const reference: unknown = Reflect.get(schema, '$ref');
  if (typeof reference === 'string')
    return propertiesOf(components[reference.split('/').at(-1) ?? ''] ?? {}, components);
  return z.record(z.string(), schemaObject).catch({}).parse(Reflect.get(schema, 'properties'));
}

/** The path with each parameter replaced. */
export function filledPath(route: DescribedRoute, value: (name: string) => string): string {
  return route.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => encodeURIComponent(value(name)));
}
