/** A reporter for `node --test`: the usual one without its closing figures, which `npm test` adds up over all files. */
import { Readable } from 'node:stream';
import { spec, type TestEvent } from 'node:test/reporters';

const FIGURE = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

async function* withoutFigures(source: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent> {
  for await (const event of source) {
    if (event.type !== 'test:diagnostic' || !FIGURE.test(event.data.message)) yield event;
  }
}

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const lines = Readable.from(withoutFigures(source)).compose(spec());
  for await (const line of lines) yield String(line);
}
