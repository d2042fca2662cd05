/**
 * Examples of requests and answers for the API document, in an order in which they can be sent to an empty product one
 * after another. `<createUser.data.id>` stands for what an earlier answer has there, with ` /pattern/` before the `>` for
 * the part of it that the pattern's group takes. test/api/examples.ts sends them all, record-examples.ts beside it
 * writes the answers.
 */
import { z } from 'zod';
import data from './examples.json' with { type: 'json' };

const fields = z.record(z.string(), z.union([z.string(), z.number()])).default({});
const exampleSchema = z.strictObject({
  operationId: z.string(),
  params: fields,
  query: fields,
  headers: z.record(z.string(), z.string()).default({}),
  /** JSON, or the fields of a form. */
  body: z.record(z.string(), z.unknown()).optional(),
  /** The request is repeated until its answer has this value here: what it asks for takes a moment. */
  until: z.strictObject({ at: z.string(), is: z.unknown() }).optional(),
  status: z.number(),
  /** JSON, or the beginning of another text; absent until it is recorded. */
  answer: z.unknown().optional(),
});
export type Example = Readonly<z.output<typeof exampleSchema>>;

/** As they are written. */
export const EXAMPLES: readonly Example[] = z.array(exampleSchema).parse(data);

const REFERENCE = /^<(\w+)\.(\S+?)(?: \/(.+)\/)?>$/;

/** @param answers of the operations so far. @throws when a reference leads nowhere. */
export function filledExample(example: Example, answers: ReadonlyMap<string, unknown>): Example {
  const { params, query, body } = example;
  return exampleSchema.parse({ ...example, ...filled({ params, query, body }, answers) });
}

function filled(value: object, answers: ReadonlyMap<string, unknown>): object {
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (typeof member === 'string') return [name, referred(member, answers)];
      const isFields = typeof member === 'object' && member !== null && !Array.isArray(member);
      return [name, isFields ? filled(member, answers) : member];
    }),
  );
}

function referred(text: string, answers: ReadonlyMap<string, unknown>): unknown {
  const [reference, operationId = '', path = '', pattern] = REFERENCE.exec(text) ?? [];
  if (reference === undefined) return text;
  const value = path.split('.').reduce<unknown>((at, key) => {
    return typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined;
  }, answers.get(operationId));
  const part = pattern === undefined ? value : new RegExp(pattern).exec(String(value))?.[1];
  if (part === undefined) throw new TypeError(`${text} refers to nothing`);
  return part;
}

/** For the document: references are to the recorded answers. Of several examples of an operation it shows the first. */
export function documentExamples(): Example[] {
  const answers = new Map<string, unknown>();
  return EXAMPLES.filter(({ answer }) => answer !== undefined).map((example) => {
    const shown = filledExample(example, answers);
    answers.set(example.operationId, example.answer);
    return shown;
  });
}
