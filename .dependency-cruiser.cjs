/**
 * The import rules of the layout. Arrows go one way: api, workers, cli → activities → core → infra; workflows know only
 * types of activities; simulator and devstack stand alone. No file imports itself through others, and no folder does.
 */
const tests = '\\.test\\.ts$|^test/|^bench/|/test-[^/]*\\.ts$|\\.fixture\\.ts$';

/** A rule that forbids one folder to import others. */
function forbid(name, from, to, comment) {
  return { name, comment, severity: 'error', from: { path: from, pathNot: tests }, to: { path: to } };
}

/** What a folder inside `core` or `activities` may import of its neighbours; anything else is an error. */
const NEIGHBOURS = {
  core: {
    accounts: ['ledger'],
    audio: [],
    catalog: ['accounts', 'key-pool', 'ledger', 'providers'],
    conversations: [],
    files: [],
    images: [],
    'key-pool': ['providers'],
    ledger: ['usage'],
    outbox: ['ledger'],
    providers: ['images', 'ledger'],
    usage: [],
  },
  activities: {
    batches: ['inference'],
    inference: [],
    jobs: ['inference', 'webhooks'],
    maintenance: ['jobs', 'webhooks'],
    orders: [],
    webhooks: [],
  },
};

function neighbourRules() {
  return Object.entries(NEIGHBOURS).flatMap(([parent, folders]) =>
    Object.entries(folders).map(([folder, allowed]) => ({
      name: `${parent}-${folder}-imports-only-its-neighbours`,
      comment: 'the allowed arrows stand in NEIGHBOURS; they have no circle',
      severity: 'error',
      from: { path: `^${parent}/${folder}/`, pathNot: tests },
      to: { path: `^${parent}/`, pathNot: `^${parent}/(${[folder, ...allowed].join('|')})/` },
    })),
  );
}

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    forbid(
      'infra-is-the-ground',
      '^infra/',
      '^(api|workflows|activities|core|workers|cli|devstack|simulator)/',
      'infra imports no other folder',
    ),
    forbid(
      'core-serves-activities',
      '^core/',
      '^(api|workers|cli|activities|devstack|simulator)/',
      'core imports only core and infra',
    ),
    forbid(
      'activities-know-no-front',
      '^activities/',
      '^(api|workers|cli|devstack|simulator)/',
      'activities serve all fronts and import none',
    ),
    {
      name: 'only-contracts-of-workflows',
      comment: 'workflows are started by name: their code is never run outside of the sandbox',
      severity: 'error',
      from: { path: '^(activities|core|api|cli)/', pathNot: tests },
      to: { path: '^workflows/', pathNot: '^workflows/contracts\\.ts$' },
    },
    forbid(
      'api-is-a-front',
      '^api/',
      '^(workers|cli|devstack|simulator)/',
      'the API imports activities, core and workflow contracts',
    ),
    {
      name: 'workflows-are-pure',
      comment: 'workflow code runs in a sandbox: pure rules, and types of activities only',
      severity: 'error',
      from: { path: '^workflows/', pathNot: tests },
      to: { path: '^(api|workers|cli|infra|core|activities)/', dependencyTypesNot: ['type-only'] },
    },
    forbid('workers-run', '^workers/', '^(api|cli|devstack|simulator)/', 'workers import workflows and activities'),
    forbid(
      'commands-run-in-the-image',
      '^cli/',
      '^(api|workers|devstack|simulator)/',
      'commands import nothing that the image leaves out',
    ),
    {
      name: 'production-has-no-dev-packages',
      comment: 'the image installs the packages of production alone',
      severity: 'error',
      from: { path: '^(api|workflows|activities|core|workers|cli|infra)/', pathNot: tests },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'console-knows-the-document-alone',
      comment: 'the console is a client: of the product it has the types of the API document',
      severity: 'error',
      from: { path: '^console/src/', pathNot: tests },
      to: { pathNot: '^(console/src/|node_modules/)' },
    },
    forbid(
      'console-is-a-front',
      '^(api|workflows|activities|core|workers|cli|infra|simulator|devstack)/',
      '^console/',
      'the console is built into files that the API serves',
    ),
    forbid(
      'simulator-stands-alone',
      '^simulator/',
      '^(api|workflows|activities|core|workers|cli|devstack|infra/(?!tokens\\.ts))',
      'the simulator is another company',
    ),
    {
      name: 'only-services-construct',
      comment: 'nothing inside a capability knows how all of them are put together',
      severity: 'error',
      from: { path: '^activities/[^/]+/', pathNot: tests },
      to: { path: '^activities/(ledger-)?services\\.ts$' },
    },
    ...neighbourRules(),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
};
