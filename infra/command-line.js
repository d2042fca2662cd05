/**
 * Reads the command line of every command: `--help` helps, and what is not known is refused with the usage. Plain
 * JavaScript without dependencies, since the first command on a new machine needs it before anything is installed.
 */
import { parseArgs } from 'node:util';

const WRONG_USAGE = 2;

/** A command line that cannot be meant. The message says what is wrong with it. */
export class UsageError extends Error {
  /** @override */
  name = 'UsageError';
}

/**
 * @template {import('node:util').ParseArgsOptionsConfig} Options
 * @typedef {{ readonly options: Options, readonly positionals?: boolean }} Known
 */

/**
 * What was asked for.
 * @template {import('node:util').ParseArgsOptionsConfig} Options
 * @param {Known<Options>} known
 * @param {readonly string[]} args
 * @throws {UsageError}
 */
export function parseCommandLine({ options, positionals = false }, args) {
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: positionals });
    return { values: parsed.values, positionals: parsed.positionals.map(String) };
  } catch (error) {
    // Node says which option is unknown or lacks its value; the rest of its sentence is advice on other programs.
    const [reason = ''] = (error instanceof Error ? error.message : String(error)).split('. ');
    throw new UsageError(reason);
  }
}

/** @param {readonly string[]} args */
export function asksForHelp(args) {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

/**
 * The same for the entry of a program: prints the usage and ends the process with 0 where help is wanted, and with 2
 * where the command line is wrong.
 * @template {import('node:util').ParseArgsOptionsConfig} Options
 * @param {Known<Options> & { readonly usage: string }} command
 * @param {readonly string[]} args
 */
export function readCommandLine(command, args) {
  if (asksForHelp(args)) {
    console.log(command.usage);
    process.exit(0);
  }
  try {
    return parseCommandLine(command, args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${command.usage}`);
    return process.exit(WRONG_USAGE);
  }
}
