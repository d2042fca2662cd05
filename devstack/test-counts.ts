/** A reporter for `node --test` that writes the counts of the whole run, as one line of JSON. */
import type { TestEvent } from 'node:test/reporters';

export default async function* counts(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let whole: object | undefined;
  for await (const event of source) {
    // That of the whole run comes last, after those of single files.
    if (event.type === 'test:summary') whole = event.data.counts;
  }
  if (whole !== undefined) yield `${JSON.stringify(whole)}\n`;
}
