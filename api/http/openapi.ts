/** The OpenAPI 3.1 document, made from the same declarations that answer. */
import { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiContentObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
} from 'zod-openapi';
import type { Example } from '../examples.ts';
import { ANTHROPIC } from './anthropic-form.ts';
import { sizeText } from './body.ts';
import { CSRF_HEADER, KEY_ID_HEADER, SESSION_COOKIE } from './console-session.ts';
import { ENVELOPE, OPENAI } from './forms.ts';
import { KEY_HEADER } from './idempotency.ts';
import type { Access, Route } from './route.ts';
import { type Input, inputSchema, type JsonSchema } from './validation.ts';

type Parameter = Extract<NonNullable<ZodOpenApiOperationObject['parameters']>[number], { in: unknown }>;
type SchemaObject = Exclude<NonNullable<Parameter['schema']>, { $ref: string } | boolean>;

const TITLE = 'LLM gateway';
const DESCRIPTION = `One address for many model providers, paid from a prepaid balance.

People and web clients sign in (\`POST /v1/auth/login\`) and send the token as \`Authorization: Bearer\`. Programs send an
access key (\`POST /v1/access-keys\`) as \`Authorization: Bearer\`, \`ACCESS-KEY\` or \`x-api-key\`; OpenAI's clients need
only their base URL (this address and \`/v1\`) and key changed. Amounts are exact decimals in one currency, and requests
take them as numbers or text. Times carry an offset.`;

const TAGS = [
  { name: 'Auth', description: 'Registration, sign-in and the own account' },
  { name: 'Users', description: 'Users, as administrators see them' },
  { name: 'Access keys', description: 'Keys with which programs call models' },
  { name: 'Audit', description: 'What administrators changed' },
  { name: 'Providers', description: 'Model vendors and the keys for them' },
  { name: 'Models', description: 'Models, their prices and limits' },
  { name: 'Inference', description: 'Chat and images' },
  { name: 'Jobs', description: 'Chat and images that are answered later' },
  { name: 'Conversations', description: 'Kept messages' },
  { name: 'Billing', description: 'Monthly statements' },
  { name: 'Ledger', description: 'Transfers and holds of an account, and the checks of the whole' },
  { name: 'Statistics', description: 'What was used, summed up and call by call' },
  { name: 'Webhooks', description: 'Messages about jobs that have ended' },
  { name: 'Orders', description: 'Recharges of the balance, and what payment providers say of them' },
  { name: 'Service', description: 'Health, metrics and this description' },
];

const TOKEN = { loginToken: [] };
const SESSION = { consoleSession: [] };
const ACCESS_KEY = [{ accessKey: [] }, { bearerAccessKey: [] }];

function securityOf(access: Access): NonNullable<ZodOpenApiOperationObject['security']> {
  if (access === 'open') return [];
  if (access === 'optional-jwt') return [{}, TOKEN, SESSION];
  if (access === 'access-key') return [...ACCESS_KEY, { ...SESSION, ownAccessKey: [] }];
  if (access === 'anyone-signed-in' || access === 'jwt-or-access-key') return [TOKEN, SESSION, ...ACCESS_KEY];
  return [TOKEN, SESSION];
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
  if (successForKey === undefined) return form.errorSchema;
  return z.union([form.errorSchema, OPENAI.errorSchema, ANTHROPIC.errorSchema]);
}

function operationOf(route: Route, example: Example | undefined): ZodOpenApiOperationObject {
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    tags: [route.tag],
    security: securityOf(route.access),
    parameters: [
      ...parametersOf(route.params, 'path', example?.params),
      ...parametersOf(route.query, 'query', example?.query),
      ...(takesKey(route) ? [idempotencyHeader(route.idempotent === 'required', example)] : []),
    ],
    ...bodyOf(route, example?.body),
    responses: responsesOf(route, example),
  };
}

function responsesOf(route: Route, example: Example | undefined): Record<string, ZodOpenApiResponseObject> {
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
  if (example) setExample(responses[example.status]?.content ?? responses.default?.content, example.answer);
  return responses;
}

/** JSON answers are examples of JSON, texts of the other type that a status has. */
function setExample(content: ZodOpenApiContentObject | undefined, answer: unknown): void {
  const types = Object.keys(content ?? {});
  const type = types.find((name) => (name === 'application/json') === (typeof answer === 'object')) ?? types[0];
  const media = type === undefined ? undefined : content?.[type];
  if (media) media.example = answer;
}

/** A JSON body none of whose fields is needed may be left out. */
function bodyOf(
  { body, bodies, bodyLimitBytes }: Route,
  example: Example['body'],
): Pick<ZodOpenApiOperationObject, 'requestBody'> {
  const content: ZodOpenApiContentObject = body ? { 'application/json': { schema: schemaOf(body.json) } } : {};
  for (const [type, schema] of Object.entries(bodies))
    content[type] = { schema: schemaOf(inputSchema(schema, 'ignored')) };
  if (Object.keys(content).length === 0) return {};
  const media = content['application/json'] ?? Object.values(content)[0];
  if (media && example !== undefined) media.example = example;
  const required = body === undefined || (body.json.required ?? []).length > 0;
  return { requestBody: { description: `At most ${sizeText(bodyLimitBytes)}`, required, content } };
}

function parametersOf(
  input: Input | undefined,
  place: 'path' | 'query',
  examples: Example['params'] = {},
): Parameter[] {
  const { properties = {}, required = [] } = input?.json ?? {};
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = typeof schema === 'object' ? schema : {};
    return {
      name,
      in: place,
      ...(required.includes(name) ? { required: true } : {}),
      ...(description === undefined ? {} : { description }),
      ...(examples[name] === undefined ? {} : { example: examples[name] }),
      schema: schemaOf(rest),
    };
  });
}

function idempotencyHeader(required: boolean, example: Example | undefined): Parameter {
  const value = example?.headers[KEY_HEADER];
  return {
    ...{ name: KEY_HEADER, in: 'header', ...(required ? { required } : {}) },
    description: 'Of the caller: within 24 hours the same key and body get the first answer again, and one charge',
    ...(value === undefined ? {} : { example: value }),
    schema: schemaOf({ type: 'string', maxLength: 255 }),
  };
}

/** OpenAPI 3.1 takes JSON Schema as it is. */
const jsonSchema = z.custom<SchemaObject>((json) => typeof json === 'object' && json !== null && !('$ref' in json));

function schemaOf(json: JsonSchema): SchemaObject {
  return jsonSchema.parse(json);
}

export function openApiDocument(routes: readonly Route[], examples: readonly Example[] = []) {
  const paths: Record<string, ZodOpenApiPathsObject[string]> = {};
  for (const route of routes) {
    const example = examples.find(({ operationId }) => operationId === route.operationId);
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route, example) };
  }
  return createDocument(
    {
      openapi: '3.1.0',
      info: { title: TITLE, version: '1', description: DESCRIPTION },
      // The address one came by, so that the page can call it.
      servers: [{ url: '/' }],
      tags: TAGS,
      paths,
      components: {
        schemas: {
          Error: ENVELOPE.errorSchema,
          OpenAIError: OPENAI.errorSchema,
          AnthropicError: ANTHROPIC.errorSchema,
        },
        securitySchemes: {
          loginToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The token of a sign-in' },
          consoleSession: {
            ...{ type: 'apiKey', in: 'cookie', name: SESSION_COOKIE },
            description: `The session of a browser, as __Host-${SESSION_COOKIE} where PUBLIC_URL is https; changes need the header ${CSRF_HEADER}`,
          },
          ownAccessKey: {
            ...{ type: 'apiKey', in: 'header', name: KEY_ID_HEADER },
            description: 'With a session or a login token: the id of the own access key whose limits count',
          },
          accessKey: { type: 'apiKey', in: 'header', name: 'ACCESS-KEY', description: 'An access key' },
          bearerAccessKey: { type: 'http', scheme: 'bearer', bearerFormat: 'ak-…', description: 'An access key' },
        },
      },
    },
    { allowEmptySchema: { custom: true } },
  );
}
