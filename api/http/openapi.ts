/** The OpenAPI 3.1 document, made from the same declarations that answer. */
import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiContentObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import { sizeText } from './body.ts';
import { ENVELOPE, OPENAI } from './forms.ts';
import type { Access, Route } from './route.ts';
import { type Input, inputSchema, type JsonSchema } from './validation.ts';

type Parameter = Extract<NonNullable<ZodOpenApiOperationObject['parameters']>[number], { in: unknown }>;
type SchemaObject = Exclude<NonNullable<Parameter['schema']>, { $ref: string } | boolean>;

const TITLE = 'LLM gateway';

const TOKEN = { loginToken: [] };
const ACCESS_KEY = [{ accessKey: [] }, { bearerAccessKey: [] }];

function securityOf(access: Access): NonNullable<ZodOpenApiOperationObject['security']> {
  if (access === 'open') return [];
  if (access === 'optional-jwt') return [{}, TOKEN];
  if (access === 'access-key') return ACCESS_KEY;
  if (access === 'anyone-signed-in' || access === 'jwt-or-access-key') return [TOKEN, ...ACCESS_KEY];
  return [TOKEN];
}

function takesKey({ idempotent, claimsKey }: Route): boolean {
  return idempotent !== false || claimsKey;
}

/** Statuses that every route of a kind can answer with, and what they mean. */
function failuresOf(route: Route): Readonly<Record<string, string>> {
  const hasInput = [route.params, route.query, route.body].some((schema) => schema !== undefined);
  return {
    ...(hasInput ? { 400: `A field is missing or wrong; \`${route.form.wrongField}\` names it` } : {}),
    ...(route.access === 'open' ? {} : { 401: 'Credentials are missing, wrong or expired' }),
    ...(route.body === undefined && Object.keys(route.bodies).length === 0
      ? {}
      : { 413: 'The body is too large', 415: 'The body is of a type that is not taken' }),
    ...(typeof route.access === 'object' ? { 403: 'The role does not allow it' } : {}),
    ...(route.params === undefined ? {} : { 404: 'There is no such row, or it belongs to another user' }),
    ...(!takesKey(route)
      ? {}
      : { 409: 'The same Idempotency-Key is being worked on', 422: 'The same Idempotency-Key with another body' }),
    default: 'Any other failure',
  };
}

function successSchema(route: Route): z.ZodType {
  if (route.mediaType !== 'application/json') return route.success;
  const schema = route.form.successSchema(route.success);
  return route.successForKey === undefined ? schema : z.union([schema, route.successForKey]);
}

function errorSchema({ form, successForKey }: Route): z.ZodType {
  return successForKey === undefined ? form.errorSchema : z.union([form.errorSchema, OPENAI.errorSchema]);
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  return {
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    tags: [route.tag],
    security: securityOf(route.access),
    parameters: [
      ...parametersOf(route.params, 'path'),
      ...parametersOf(route.query, 'query'),
      ...(takesKey(route) ? [idempotencyHeader(route.idempotent === 'required')] : []),
    ],
    ...bodyOf(route),
    responses: responsesOf(route),
  };
}

function responsesOf(route: Route): Record<string, ZodOpenApiResponseObject> {
  const responses: Record<string, ZodOpenApiResponseObject> = {};
  const add = (status: string, description: string, mediaType: string, schema: z.ZodType) => {
    const known = responses[status];
    responses[status] = {
      description: known?.description ?? description,
      content: { ...known?.content, [mediaType]: { schema } },
    };
  };
  add(String(route.status), 'Success', route.mediaType, successSchema(route));
  const failure = errorSchema(route);
  for (const [status, text] of Object.entries(failuresOf(route))) add(status, text, 'application/json', failure);
  for (const other of route.otherAnswers) add(String(other.status), other.description, other.mediaType, other.schema);
  return responses;
}

/** A JSON body none of whose fields is needed may be left out. */
function bodyOf({ body, bodies, bodyLimitBytes }: Route): Pick<ZodOpenApiOperationObject, 'requestBody'> {
  const content: ZodOpenApiContentObject = body ? { 'application/json': { schema: schemaOf(body.json) } } : {};
  for (const [type, schema] of Object.entries(bodies))
    content[type] = { schema: schemaOf(inputSchema(schema, 'ignored')) };
  if (Object.keys(content).length === 0) return {};
  const required = body === undefined || (body.json.required ?? []).length > 0;
  return { requestBody: { description: `At most ${sizeText(bodyLimitBytes)}`, required, content } };
}

function parametersOf(input: Input | undefined, place: 'path' | 'query'): Parameter[] {
  const { properties = {}, required = [] } = input?.json ?? {};
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = typeof schema === 'object' ? schema : {};
    return {
      name,
      in: place,
      ...(required.includes(name) ? { required: true } : {}),
      ...(description === undefined ? {} : { description }),
      schema: schemaOf(rest),
    };
  });
}

function idempotencyHeader(required: boolean): Parameter {
  const schema = schemaOf({ type: 'string', maxLength: 255 });
  return { name: 'Idempotency-Key', in: 'header', ...(required ? { required } : {}), schema };
}

/** OpenAPI 3.1 takes JSON Schema as it is. */
const jsonSchema = z.custom<SchemaObject>((json) => typeof json === 'object' && json !== null && !('$ref' in json));

function schemaOf(json: JsonSchema): SchemaObject {
  return jsonSchema.parse(json);
}

export function openApiDocument(routes: readonly Route[], publicUrl: string) {
  const paths: Record<string, ZodOpenApiPathsObject[string]> = {};
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) };
  return createDocument(
    {
      openapi: '3.1.0',
      info: { title: TITLE, version: '1' },
      servers: [{ url: publicUrl }],
      paths,
      components: {
        schemas: { Error: ENVELOPE.errorSchema, OpenAIError: OPENAI.errorSchema },
        securitySchemes: {
          loginToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
          accessKey: { type: 'apiKey', in: 'header', name: 'ACCESS-KEY' },
          bearerAccessKey: { type: 'http', scheme: 'bearer', bearerFormat: 'ak-…' },
        },
      },
    },
    { allowEmptySchema: { custom: true } },
  );
}
