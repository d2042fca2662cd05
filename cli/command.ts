/**
 * What every command has in common: its usage, and how it ends. Exit code 0: done; 1: it failed, or found
 * something wrong; 2: it was called wrongly. Commands read their settings from the environment, as API and worker do,
 * and need nothing that the image leaves out.
 */

import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { ParseArgsOptionsConfig } from 'node:util';
import { asksForHelp, parseCommandLine, UsageError } from '../infra/command-line.js';
import { ConfigError } from '../infra/config.ts';
import { AppError } from '../infra/errors.ts';
import { isDatabaseUnavailable } from '../infra/mysql/unavailable.ts';

export { UsageError };

export interface Command {
  /** The file in cli/. */
  readonly name: string;
  /** How it is called in a clone, where that is not its script of package.json. */
  readonly call?: string;
  /** What it does, in a sentence. */
  readonly purpose: string;
  /** The words after the name, one line a form. */
  readonly forms: readonly string[];
  readonly notes?: readonly string[];
  /** @returns the exit code. @throws UsageError, or an Error whose message is for the person who called. */
  run(args: readonly string[]): Promise<number>;
}

/** Runs the command with the words of this process and sets its exit code. */
export async function runCommand(command: Command): Promise<void> {
  const args = process.argv.slice(2);
  if (args[0] === 'help' || asksForHelp(args)) {
    console.log(usageOf(command));
    return;
  }
  try {
    process.exitCode = await command.run(args);
  } catch (error) {
    const wrongCall = error instanceof UsageError;
    console.error(wrongCall ? `${error.message}\n\n${usageOf(command)}` : explained(error));
    // Connections that were opened half-way would keep the process.
    process.exit(wrongCall ? 2 : 1);
  }
}

function usageOf({ name, purpose, forms, call, notes = [] }: Command): string {
  const calls = forms.map((form) => `  ${call ?? `npm run ${name}${form === '' ? '' : ' --'}`} ${form}`.trimEnd());
  const end = [...notes, `In the image: node cli/${name}.ts …`];
  return [purpose, '', 'usage:', ...calls, '', ...end].join('\n');
}

/** A failure as one line; with its stack only if it is unexpected. */
function explained(error: unknown): unknown {
  if (isDatabaseUnavailable(error)) {
    const reason = error instanceof Error && error.message !== '' ? `: ${error.message}` : '';
    return `MySQL does not answer${reason}. \`npm run doctor\` (in the image: node cli/doctor.ts) looks at every server.`;
  }
  const expected = error instanceof AppError || error instanceof ConfigError;
  return expected || (error instanceof Error && error.constructor === Error) ? error.message : error;
}

/** The words of a command without its options. @throws UsageError for an unknown option. */
export function readWords<const Options extends ParseArgsOptionsConfig>(args: readonly string[], options: Options) {
  return parseCommandLine({ options, positionals: true }, args);
}

/** For a command that takes no words. @throws UsageError when there are some. */
export function expectNoWords(args: readonly string[]): void {
  const [word] = readWords(args, {}).positionals;
  if (word !== undefined) throw new UsageError(`"${word}" is one word too many`);
}

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
