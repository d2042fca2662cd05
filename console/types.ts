/**
 * Writes the types of the API's document for the client, and the names of the fields that are money. The document is
 * that of /openapi.json; envelopes are opened in it, as the client opens them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';
import ts from 'typescript';
import { z } from 'zod';
import { DECIMAL_FORMAT } from '../api/http/money.ts';
import { openApiDocument } from '../api/http/openapi.ts';
import { allRoutes, type RouteServices } from '../api/routes.ts';
import { readConfig } from '../infra/config.ts';

const FOLDER = join(import.meta.dirname, 'src/api/generated');

const node = z.record(z.string(), z.unknown());
type Node = z.infer<typeof node>;

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `{code, message, data, traceId}` is its `data`; where there are several forms, the first is the one for people, and JSON. */
function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (!isNode(value)) return value;
  const { properties, anyOf } = value;
  if (isNode(properties) && 'traceId' in properties && 'data' in properties && !('errors' in properties)) {
    return opened(properties.data);
  }
  const json = isNode(value.content) ? value.content['application/json'] : undefined;
  if (json !== undefined) return { ...value, content: { 'application/json': opened(json) } };
  if (Array.isArray(anyOf) && JSON.stringify(anyOf[0]).includes('"traceId":')) return opened(anyOf[0]);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, opened(member)]));
}

function isDecimal(schema: unknown): boolean {
  if (!isNode(schema)) return false;
  if (Array.isArray(schema.anyOf)) return schema.anyOf.some(isDecimal);
  return schema.type === 'number' && schema.format === DECIMAL_FORMAT;
}

function isNumber(schema: unknown): boolean {
  if (!isNode(schema) || schema.format === DECIMAL_FORMAT) return false;
  return [schema.type].flat().some((type) => type === 'number' || type === 'integer');
}

/** @throws Error where a name is money in one answer and a plain number in another. */
function moneyFields(answers: unknown): string[] {
  const money = new Set<string>();
  const numbers = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const properties = isNode(value) && isNode(value.properties) ? value.properties : {};
    for (const [name, schema] of Object.entries(properties)) {
      if (isDecimal(schema)) money.add(name);
      if (isNumber(schema)) numbers.add(name);
    }
    for (const member of Object.values(value)) visit(member);
  };
  visit(answers);
  const both = [...money].filter((name) => numbers.has(name));
  if (both.length > 0) throw new Error(`money in one answer and a plain number in another: ${both.join(', ')}`);
  return [...money].sort();
}

/** What the API answers: the schemas of successes, and those that they refer to. */
function answersOf(document: unknown): unknown {
  const { paths, components } = z
    .object({ paths: z.record(z.string(), z.record(z.string(), z.object({ responses: node }))), components: node })
    .parse(document);
  return [
    Object.values(paths).flatMap((methods) => Object.values(methods).map(({ responses }) => responses)),
    components,
  ];
}

export async function writeTypes(): Promise<void> {
  // Routes look at their services when they are called, not before.
  const services: RouteServices = Object.create(null);
  const plain: unknown = JSON.parse(JSON.stringify(openApiDocument(allRoutes(services, readConfig({})))));
  const document = z.custom<OpenAPI3>(isNode).parse(opened(plain));
  const decimal = ts.factory.createKeywordTypeNode(ts.SyntaxKind.StringKeyword);
  const nodes = await openapiTS(document, {
    silent: true,
    rootTypes: true,
    rootTypesNoSchemaPrefix: true,
    transform: (schema) => ('format' in schema && schema.format === DECIMAL_FORMAT ? decimal : undefined),
  });
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'schema.ts'), astToString(nodes));
  const names = JSON.stringify(moneyFields(answersOf(document)));
  writeFileSync(
    join(FOLDER, 'money-fields.ts'),
    `export const MONEY_FIELDS: ReadonlySet<string> = new Set(${names});\n`,
  );
}
