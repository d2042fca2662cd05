/** The import rules of the layout: imports go one way, and no file imports itself through others. */
const tests = '\\.test\\.ts$|^test/|^bench/';

/** A rule that forbids one folder to import others. */
function forbid(name, from, to, comment) {
  return { name, comment, severity: 'error', from: { path: from, pathNot: tests }, to: { path: to } };
}

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    forbid(
      'infra-is-the-ground',
      '^infra/(?!local/)',
      '^(api|workflows|activities|workers)/',
      'infra imports no other folder',
    ),
    forbid(
      'activities-know-no-front',
      '^activities/',
      '^(api|workers)/',
      'activities serve both fronts and import neither',
    ),
    {
      name: 'activities-know-only-contracts',
      comment: 'activities may name workflows and queues, never run workflow code',
      severity: 'error',
      from: { path: '^activities/', pathNot: tests },
      to: { path: '^workflows/', pathNot: '^workflows/contracts\\.ts$' },
    },
    forbid(
      'api-is-a-front',
      '^api/',
      '^(workers|infra/local|infra/simulator)/',
      'the API imports activities and workflow contracts',
    ),
    {
      name: 'api-knows-only-contracts',
      comment: 'the API starts workflows by name',
      severity: 'error',
      from: { path: '^api/', pathNot: tests },
      to: { path: '^workflows/', pathNot: '^workflows/contracts\\.ts$' },
    },
    {
      name: 'workflows-are-pure',
      comment: 'workflow code runs in a sandbox: pure rules, and types of activities only',
      severity: 'error',
      from: { path: '^workflows/', pathNot: tests },
      to: { path: '^(api|workers|infra|activities)/', dependencyTypesNot: ['type-only'] },
    },
    forbid(
      'workers-run',
      '^workers/',
      '^(api|infra/local|infra/simulator)/',
      'workers import workflows and activities',
    ),
    forbid(
      'simulator-stands-alone',
      '^infra/simulator/',
      '^infra/(?!simulator/|tokens\\.ts)',
      'the simulator is another company',
    ),
    {
      name: 'only-the-wiring-constructs',
      comment: 'nothing inside a capability knows the wiring',
      severity: 'error',
      from: { path: '^activities/[^/]+/', pathNot: `${tests}|/cli/` },
      to: { path: '^activities/wiring\\.ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
