import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS } from '../devstack/commands.js';
import { asksForHelp, parseCommandLine, UsageError } from './command-line.js';

test('options are read with their defaults, and what stands alone only where the command takes such', () => {
  const { values, positionals } = parseCommandLine(COMMANDS.bench, ['gateway', '--rounds', '2']);
  assert.deepEqual(
    { ...values },
    { rounds: '2', seconds: '4', both: false, short: false, only: 'calls,bodies,streams,kill' },
  );
  assert.deepEqual(positionals, ['gateway']);
  assert.equal(parseCommandLine(COMMANDS.start, ['--once']).values.once, true);
});

test('what is not known is refused', () => {
  for (const [args, reason] of [
    [['--onse'], "Unknown option '--onse'"],
    [['twice'], "Unexpected argument 'twice'"],
    [['--once=yes'], "Option '--once' does not take an argument"],
  ] as const) {
    assert.throws(() => parseCommandLine(COMMANDS.start, args), new UsageError(reason));
  }
  assert.throws(
    () => parseCommandLine(COMMANDS.test, ['--only']),
    /^UsageError: Option '--only <value>' argument missing/,
  );
});

test('help is asked for before or behind other words, not behind --', () => {
  assert.ok(asksForHelp(['--help']) && asksForHelp(['x', '--nope', '-h']));
  assert.ok(!asksForHelp(['--', '--help']) && !asksForHelp([]));
});

test('the usage of each command names each option and the exit codes, in 80 columns', () => {
  for (const { usage, options } of Object.values(COMMANDS)) {
    for (const name of [...Object.keys(options), 'help']) assert.match(usage, new RegExp(`--${name}\\b`));
    assert.match(usage, /^Exit codes: 0 /m);
    for (const line of usage.split('\n')) assert.ok(line.length <= 80, line);
  }
});
