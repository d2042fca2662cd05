/** A reporter for `node --test` that writes the counts of the whole run, as one line of JSON. */
import type { TestEvent } from 'node:test/reporters';

export default async function* counts(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    // The summary of the whole run is the one without a file.
    if (event.type === 'test:summary' && event.data.file === undefined) yield `${JSON.stringify(event.data.counts)}\n`;
  }
}
