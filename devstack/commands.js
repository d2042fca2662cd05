/** The commands of the launcher: which script, what it is for, what it takes. Plain JavaScript, as bootstrap.js is. */

const HELP = '  -h, --help      show this';

export const COMMANDS = /** @type {const} */ ({
  start: {
    script: 'devstack/start.ts',
    usage: `usage: npm start [-- --once]

Runs the whole product on this machine: the servers, a simulated provider, the
worker and the API, then one order, one job and one chat through all of them.
It stays in the foreground; Ctrl-C stops everything it started.

  --once          stop after the demonstration
${HELP}

Settings come from the environment and from .env; the environment wins.
.env.example lists them. LOCAL_DATABASE=mysql or mariadb in the environment
takes that database only; by default MariaDB serves where MySQL cannot be had.

Exit codes: 0 stopped by Ctrl-C, or all went well with --once; 1 it could not
start, or the demonstration failed; 2 wrong usage; 130 or 143 interrupted before
it was up.`,
    options: { once: { type: 'boolean', default: false } },
  },
  test: {
    script: 'devstack/test.ts',
    usage: `usage: npm test [-- PATH …] [--only LIST] [--full]

Runs every check and every test, on servers, ports and data of its own.

  PATH            only the tests of these files and folders, without the checks;
                  servers are started where one needs them
  --only LIST     a part: checks, unit, stack, chaos, separated by commas
  --full          let the tests that break things take their time
${HELP}

npm run check, test:unit, test:stack and test:chaos run one part each. Tests
with servers run on MySQL; a run without PATH repeats those of money and whole
calls on MariaDB. LOCAL_DATABASE=mysql or mariadb in the environment runs all
on that one.

Exit codes: 0 all passed; 1 something failed; 2 wrong usage; 130 interrupted.`,
    options: {
      only: { type: 'string', default: 'checks,unit,stack,chaos' },
      full: { type: 'boolean', default: false },
    },
    positionals: true,
  },
  reset: {
    script: 'devstack/reset.ts',
    usage: `usage: npm run reset

Deletes the data of npm start, npm test, test_scripts and the benches in .local.
Programs that were fetched or built stay in their cache.

${HELP}

Exit codes: 0 deleted; 1 a start or a test is still running; 2 wrong usage.`,
    options: {},
  },
  bench: {
    script: 'bench/main.ts',
    usage: `usage: npm run bench [-- NAME …] [options]

Lists the benches, or runs those named, or all, on servers of their own.

  --rounds N      rounds a bench; default 4
  --seconds N     length of a round; default 4
  --profile DIR   keep CPU profiles of the API in this folder
  --stack DIR     use the servers of devstack/stack-cli.ts
  --both          measure the ledger on MariaDB, too, in the same rounds
  --short         a first look within minutes: one round of a second, few points
  --only LIST     of peers: calls, bodies, streams, kill, separated by commas
${HELP}

The bench peers also measures the programs whose paths BENCH_BIFROST,
BENCH_LITELLM and BENCH_PORTKEY give, and the checkout in BENCH_BASELINE.

Exit codes: 0 done; 1 failed; 2 wrong usage; 130 interrupted.`,
    options: {
      rounds: { type: 'string', default: '4' },
      seconds: { type: 'string', default: '4' },
      profile: { type: 'string' },
      stack: { type: 'string' },
      both: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      only: { type: 'string', default: 'calls,bodies,streams,kill' },
    },
    positionals: true,
  },
});

/** The commands of cli/, which read their command lines themselves. */
export const CLI_COMMANDS = ['doctor', 'admin', 'provider', 'reconcile', 'migrate', 'rotate-keys'];
