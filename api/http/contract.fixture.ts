/** For tests: whether an answer is one that the OpenAPI document describes. */
import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { DECIMAL_FORMAT } from './money.ts';
import { openApiDocument } from './openapi.ts';
import type { Route } from './route.ts';

const content = z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) }));
const operation = z.object({ responses: z.record(z.string(), z.object({ content })) });
const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
});

type Operation = z.output<typeof operation>;
type Content = z.output<typeof content>;

export interface GivenAnswer {
  readonly method: string;
  /** Of the URL, without its query. */
  readonly path: string;
  readonly status: number;
  /** The header as it came. */
  readonly contentType: string | null;
  /** Looked at when the answer is JSON. */
  readonly text: string;
}

/** What a path that the document does not have may be answered with. */
const UNKNOWN_PATH: Operation = {
  responses: Object.fromEntries(
    ['404', '405'].map((status) => [
      status,
      {
        content: {
          'application/json': {
            schema: {
              anyOf: ['Error', 'OpenAIError', 'AnthropicError'].map((name) => ({
                $ref: `#/components/schemas/${name}`,
              })),
            },
          },
        },
      },
    ]),
  ),
};

/** RFC 3339 with an offset, which the installation's zone has; never "Z". */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$/;

export class Contract {
  readonly #document: z.output<typeof documentSchema>;
  readonly #ajv = new Ajv2020({
    allErrors: true,
    allowUnionTypes: true,
    formats: { [DECIMAL_FORMAT]: true, 'date-time': TIME },
    keywords: ['components'],
  });
  readonly #validators = new Map<object, ValidateFunction>();

  constructor(document: unknown) {
    this.#document = documentSchema.parse(document);
  }

  /** Of routes that are served without their document. */
  static of(routes: readonly Route[]): Contract {
    return new Contract(JSON.parse(JSON.stringify(openApiDocument(routes))));
  }

  /** @throws {AssertionError} that says what the document does not know: status, media type, or which fields. */
  check(answer: GivenAnswer): void {
    const { method, path, status } = answer;
    if (method === 'HEAD' || method === 'OPTIONS') return;
    const at = `${method} ${path} answered ${status}`;
    const described = contentOf(this.#operation(method, path), status);
    assert.ok(described, `${at}, a status that the OpenAPI document does not have there`);
    const type = answer.contentType?.split(';')[0]?.trim() ?? '';
    const schema = (described[type] ?? described[type.replace(/\/.*/, '/*')])?.schema;
    assert.ok(schema, `${at} with "${type}", a media type that the OpenAPI document does not have there`);
    if (type !== 'application/json') return;
    const validate = this.#validator(schema);
    if (validate(JSON.parse(answer.text))) return;
    const wrong = this.#ajv.errorsText(validate.errors, { dataVar: '' });
    const which = validate.errors?.flatMap(({ params }) => params.additionalProperty ?? []).join(', ');
    assert.fail(`${at} not as the OpenAPI document says: ${wrong}${which ? ` (${which})` : ''}\n${answer.text}`);
  }

  #operation(method: string, path: string): Operation {
    const { paths } = this.#document;
    const found = paths[path] ?? Object.entries(paths).find(([template]) => fits(template, path, '[^/]+'))?.[1];
    const operations = found ?? Object.entries(paths).find(([template]) => fits(template, path, '.+'))?.[1];
    return operations?.[method.toLowerCase()] ?? UNKNOWN_PATH;
  }

  #validator(schema: Content[string]['schema']): ValidateFunction {
    const known = this.#validators.get(schema);
    if (known) return known;
    const made = this.#ajv.compile({ ...schema, components: this.#document.components });
    this.#validators.set(schema, made);
    return made;
  }
}

/** The last parameter may be of another form than the others, which hold no slash. */
function fits(template: string, path: string, last: string): boolean {
  const pattern = template.replaceAll('.', '\\.').replace(/\{\w+\}$/, last);
  return new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path);
}

/** `default` stands for failures only. */
function contentOf({ responses }: Operation, status: number): Content | undefined {
  return (responses[status] ?? (status >= 400 ? responses.default : undefined))?.content;
}
