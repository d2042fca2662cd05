/** Asks the user, or reads standard input. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/** One line that the terminal does not show. From a pipe, its first line. */
export async function askSecret(question: string): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: process.stdin.isTTY === true });
  try {
    for await (const line of lines) return line.trim();
    return '';
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
