/**
 * Which folder may import which (docs/decisions), from the words outward:
 * record <- component <- { sources, operators, sinks, deadletter } <- topology <- { redrive, monitor, server, cli }
 * The command line, being outermost, may import everything.
 */
const mayImport = {
  record: [],
  component: ['record'],
  broker: ['record'],
  sources: ['record', 'component'],
  operators: ['record', 'component'],
  sinks: ['record', 'component'],
  deadletter: ['record', 'component', 'broker'],
  topology: ['record', 'component', 'broker', 'sources', 'operators', 'sinks', 'deadletter', 'catalog.ts'],
  redrive: ['record', 'component', 'broker', 'deadletter', 'topology', 'testing', 'catalog.ts'],
  monitor: ['record', 'component', 'broker', 'deadletter', 'topology', 'catalog.ts'],
  reference: ['record', 'component', 'topology', 'catalog.ts'],
  testing: ['record', 'component', 'broker', 'deadletter', 'topology', 'monitor', 'catalog.ts'],
  server: ['record', 'component', 'broker', 'deadletter', 'topology', 'redrive', 'monitor', 'catalog.ts'],
}

/** A library comes into the project by one door, so that replacing it means one change. */
const doors = [
  { library: 'node:sqlite', modules: '^(node:)?sqlite$', door: '^src/broker/embedded/' },
  { library: 'yaml', modules: '(^|/)node_modules/yaml/', door: '^src/topology/(read|appendTest)\\.ts$' },
  { library: 'pino', modules: '(^|/)node_modules/pino/', door: '^src/monitor/log\\.ts$' },
  {
    library: '@platformatic/kafka',
    modules: '(^|/)node_modules/@platformatic/kafka/',
    door: '^src/broker/kafka/',
  },
  { library: 'kafkajs', modules: '(^|/)node_modules/kafkajs/', door: '^src/broker/kafka/kafkajs/' },
  { library: 'undici', modules: '(^|/)node_modules/undici/', door: '^src/component/fetch\\.ts$' },
  {
    library: '@marcbachmann/cel-js',
    modules: '(^|/)node_modules/@marcbachmann/cel-js/',
    door: '^src/component/expression[^/]*\\.ts$',
  },
]

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Cycles of types alone are erased before anything runs.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'declared-in-package.json',
      comment: 'What src imports must be a dependency: a development dependency is not there once published.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'npm-optional'] },
    },
    {
      name: 'inside-src',
      comment: 'What is published does not reach out of src.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|config|bin)/' },
    },
    ...Object.entries(mayImport).map(([folder, others]) => ({
      name: `${folder}-direction`,
      comment: `src/${folder} may import ${others.map((other) => `src/${other}`).join(', ') || 'nothing else of src'}.`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: [folder, ...others].map(within) },
    })),
    {
      name: 'catalog-direction',
      comment: 'The catalog lists components and nothing else.',
      severity: 'error',
      from: { path: '^src/catalog\\.ts$' },
      to: { path: '^src/', pathNot: ['component', 'sources', 'operators', 'sinks'].map(within) },
    },
    {
      name: 'component-alone',
      comment: 'One component, one file or folder of its name: what two of them need belongs in src/component.',
      severity: 'error',
      from: { path: '^src/(sources|operators|sinks)/([^/.]+)' },
      to: { path: '^src/$1/', pathNot: '^src/$1/$2[/.]' },
    },
    ...doors.map(({ library, modules, door }) => ({
      name: `door-of-${library.replace(/\W+/g, '-').replace(/^-/, '')}`,
      comment: `${library} is imported only by ${door.replaceAll(/[\\^$]/g, '')}.`,
      severity: 'error',
      from: { path: '^src/', pathNot: door },
      to: { path: modules },
    })),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    builtInModules: { add: ['sqlite', 'node:sqlite'] },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
}

function within(name) {
  return name.endsWith('.ts') ? `^src/${name.replace('.', '\\.')}$` : `^src/${name}/`
}
