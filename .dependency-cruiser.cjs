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
      '^(api|workflows|activities|workers|cli)/',
      'infra imports no other folder',
    ),
    forbid(
      'activities-know-no-front',
      '^activities/',
      '^(api|workers|cli)/',
      'activities serve all fronts and import none',
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
      '^(workers|cli|infra/local|infra/simulator)/',
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
      to: { path: '^(api|workers|cli|infra|activities)/', dependencyTypesNot: ['type-only'] },
    },
    forbid(
      'workers-run',
      '^workers/',
      '^(api|cli|infra/local|infra/simulator)/',
      'workers import workflows and activities',
    ),
    forbid(
      'commands-run-in-the-image',
      '^cli/',
      '^(api/|workers/|workflows/(?!contracts\\.ts)|infra/(local|simulator)/)',
      'commands import activities and infra, and nothing that the image leaves out',
    ),
    {
      name: 'production-has-no-dev-packages',
      comment: 'the image installs the packages of production alone',
      severity: 'error',
      from: {
        path: '^(api|workflows|activities|workers|cli|infra/(?!local/|simulator/))',
        pathNot: `${tests}|/test-|\\.fixture\\.ts$`,
      },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
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
      from: { path: '^activities/[^/]+/', pathNot: tests },
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
