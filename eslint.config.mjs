/**
 * Lint rules. Besides the usual type-checked ones they hold the architecture (docs/architecture.md): which package may
 * import which, and that pure folders read no clock, no randomness and no machine. Both are lists at the top.
 */

import { builtinModules } from 'node:module';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import { importX } from 'eslint-plugin-import-x';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Folders whose results depend on their arguments alone. */
const PURE_FOLDERS = [
  'packages/shared/src/plan',
  'packages/shared/src/ledger',
  'packages/shared/src/history',
  'packages/shared/src/config',
  'packages/datasets/src/format',
  'packages/coordinator/src/lease',
  'packages/coordinator/src/membership',
  'packages/multiview/src/config',
  'packages/multiview/src/model',
  'packages/multiview/src/data/augmentation',
  'packages/multiview/src/attacks',
  'packages/multiview/src/corruptions',
  'packages/compiler/src/program',
  'packages/compiler/src/passes',
  'packages/compiler/src/onnx',
  'packages/collective/src/schedule',
  'packages/task/src/arithmetic',
  'packages/task/src/define',
  'packages/task/src/optimizer',
  'packages/lab/src/account',
  'packages/lab/src/pages',
  'packages/lab/src/words',
];

/** Modules from outside that not every package may import. */
const OUTSIDE = { tfjs: '^@tensorflow/', onnxruntime: '^onnxruntime-', grpc: '^@grpc/', nats: '^@nats-io/' };

const BELOW_TASK = ['shared', 'datasets', 'compiler'];
const BELOW_WORKER = [
  'shared',
  'security',
  'proto',
  'datasets',
  'telemetry',
  'task',
  'task/data',
  'engine',
  'collective',
];
const BELOW_LAB = [...BELOW_TASK, 'task', 'engine', 'multiview', 'multiview/config', 'collective', 'storage'];
const LAB = ['lab', 'lab/data', 'lab/reports', 'lab/figures'];

/** What each package may import: packages of ours, and modules of `OUTSIDE`. */
const MAY_IMPORT = {
  // Its tests take the task that there is, as whoever resolves a configuration does.
  shared: { ours: [], outside: [], inTests: ['multiview/config'] },
  // Below `proto`, unlike in the plan: whoever opens a socket asks it.
  security: { ours: ['shared'], outside: [] },
  proto: { ours: ['shared', 'security'], outside: ['grpc'] },
  datasets: { ours: ['shared'], outside: [] },
  telemetry: { ours: ['shared', 'security'], outside: [], inTests: ['security/authority'] },
  view: { ours: ['shared', 'telemetry'], outside: [] },
  compiler: { ours: ['shared'], outside: ['tfjs'] },
  task: { ours: BELOW_TASK, outside: ['tfjs'] },
  engine: { ours: [...BELOW_TASK, 'task'], outside: ['tfjs', 'onnxruntime'] },
  collective: { ours: ['shared', 'security', 'proto'], outside: ['grpc'], inTests: ['security/authority'] },
  // Our own task is a guest like a user's: what it needs of an engine, the task's interface must have.
  multiview: { ours: ['shared', 'compiler', 'task'], outside: ['tfjs'], inTests: ['engine', 'datasets'] },
  storage: { ours: ['shared', 'security'], outside: ['nats'] },
  coordinator: {
    ours: ['shared', 'security', 'proto', 'datasets', 'telemetry', 'view', 'task/data', 'storage'],
    outside: ['grpc', 'nats'],
  },
  worker: { ours: BELOW_WORKER, outside: ['grpc', 'nats'], inTests: ['multiview', 'multiview/config', 'compiler'] },
  lab: { ours: [...BELOW_LAB, 'task/data'], outside: ['tfjs', 'onnxruntime'] },
  cli: {
    ours: [
      ...[...BELOW_WORKER, ...BELOW_LAB, 'view', 'coordinator', 'worker', 'worker/rehearsal'],
      ...['security/authority', ...LAB],
    ],
    outside: ['grpc'],
  },
  simulation: { ours: [...BELOW_WORKER, 'storage', 'coordinator', 'worker'], outside: [] },
};

/** These put other packages together from their parts. Besides them, only tests look behind a public interface. */
const USES_INTERNALS = ['simulation'];

/** No package is entered by a side door. */
const DEEP_IMPORT = '^(@facet/[^/]+|facet-train)/(dist|src)(/|$)';

const BUILTINS = builtinModules.filter((name) => !name.startsWith('_'));
const IMPURE_IMPORT = `^(node:|(${BUILTINS.join('|')})$|@grpc/|@nats-io/|prom-client$|pino$)`;

const IMPURE_SYNTAX = [
  ["CallExpression[callee.object.name='Date'][callee.property.name='now']", 'Date.now() reads the clock'],
  ["NewExpression[callee.name='Date'][arguments.length=0]", 'new Date() reads the clock'],
  ["CallExpression[callee.name='Date']", 'Date() reads the clock'],
  ["MemberExpression[object.name='Math'][property.name='random']", 'Math.random() is random'],
  ["MemberExpression[object.name='performance']", 'performance reads the clock'],
  ['ImportExpression', 'import() reads the disk'],
].map(([selector, what]) => ({ selector, message: `${what}: a pure folder takes it as an argument.` }));

const IMPURE_GLOBALS = ['process', 'crypto', 'setTimeout', 'setInterval', 'setImmediate'].map((name) => ({
  name,
  message: 'A pure folder depends on its arguments alone.',
}));

/** What a package must not import, as regular expressions over the module's name. */
function forbiddenImports(name, { isTest }) {
  const { ours: always, outside, inTests = [] } = MAY_IMPORT[name];
  const ours = isTest ? [...always, ...inTests] : always;
  const entry = isTest || USES_INTERNALS.includes(name) ? '(/internal)?' : '';
  const others = ours.length === 0 ? '^@facet/' : `^@facet/(?!(${ours.join('|')})${entry}$)`;
  const modules = Object.entries(OUTSIDE).flatMap(([module, regex]) => (outside.includes(module) ? [] : [regex]));
  // The package of the command has no scope.
  return [others, '^facet-train(/|$)', ...modules];
}

/** The import rules of one package; `import()` counts as well. Later blocks replace rules, so a block states all of them. */
function importRules(name, { isPure, isTest = false }) {
  const direction = forbiddenImports(name, { isTest }).map((regex) => ({
    regex,
    message: `packages/${name} must not import this: dependencies run one way (docs/architecture.md).`,
  }));
  const deep = { regex: DEEP_IMPORT, message: "Import the package by its name; what it doesn't export is its own." };
  const pure = { regex: IMPURE_IMPORT, message: 'A pure folder imports no node:*, no sockets and no logger.' };
  const patterns = [...direction, deep, ...(isPure ? [pure] : [])];
  const dynamic = patterns.map(({ regex, message }) => ({
    // A slash would end the selector's regular expression.
    selector: `ImportExpression > Literal[value=/${regex.replaceAll('/', '\\u002F')}/]`,
    message,
  }));
  return {
    'no-restricted-imports': ['error', { patterns }],
    'no-restricted-syntax': ['error', ...dynamic, ...(isPure ? IMPURE_SYNTAX : [])],
    ...(isPure && { 'no-restricted-globals': ['error', ...IMPURE_GLOBALS] }),
  };
}

const packageRules = Object.keys(MAY_IMPORT).flatMap((name) => {
  const pure = PURE_FOLDERS.filter((folder) => folder.startsWith(`packages/${name}/`));
  return [
    { files: [`packages/${name}/src/**/*.ts`], rules: importRules(name, { isPure: false }) },
    ...(pure.length === 0
      ? []
      : [
          {
            files: pure.map((folder) => `${folder}/**/*.ts`),
            ignores: ['**/*.test.ts'],
            rules: importRules(name, { isPure: true }),
          },
        ]),
    // A test may look behind the public interface of a package that its own package may import.
    {
      files: [`packages/${name}/src/**/*.test.ts`],
      rules: importRules(name, { isPure: false, isTest: true }),
    },
  ];
});

/** Benches use what packages export, like everybody else: then the compiler says when a package changes under them. */
const benchRules = {
  files: ['bench/src/**/*.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          { regex: DEEP_IMPORT, message: "Import the package by its name; what it doesn't export is its own." },
          { regex: '^\\.\\./.*packages/', message: 'Import the package by its name, or its internal entry.' },
        ],
      },
    ],
  },
};

const TYPESCRIPT = ['**/*.ts'];
// The test project as well: the packages' own projects leave tests out of the build.
const PROJECTS = [
  'packages/*/tsconfig.json',
  'packages/view/src/page/tsconfig.json',
  'bench/tsconfig.json',
  'tsconfig.test.json',
];
const TESTS = ['**/*.test.ts', 'packages/*/test/**/*.ts', 'test/**/*.ts'];
const NODE_GLOBALS = [
  'AbortController',
  'AbortSignal',
  'Blob',
  'Buffer',
  'TextDecoder',
  'TextEncoder',
  'URL',
  'URLSearchParams',
  'WebAssembly',
  'clearInterval',
  'clearTimeout',
  'console',
  'fetch',
  'performance',
  'process',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
  'structuredClone',
];

export default defineConfig(
  { ignores: ['**/dist/', '**/gen/', '**/node_modules/', 'runs/', 'coverage/', 'api/', 'docs/results/', '**/*.part/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: TYPESCRIPT,
    extends: [tseslint.configs.recommendedTypeChecked],
    plugins: { 'import-x': importX },
    languageOptions: {
      parserOptions: { project: PROJECTS, tsconfigRootDir: import.meta.dirname },
    },
    settings: {
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      'import-x/resolver-next': [createTypeScriptImportResolver({ project: PROJECTS, noWarnOnMultipleProjects: true })],
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      // `import { type A }` still loads the module, which may be TensorFlow.js.
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
      'import-x/no-cycle': 'error',
      'import-x/no-self-import': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'no-console': 'off',
      'prefer-const': 'error',
    },
  },
  ...packageRules,
  benchRules,
  {
    files: TESTS,
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      // expect.any() and expect.objectContaining() are `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/require-await': 'off',
      'max-lines': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: 'module',
      globals: Object.fromEntries(NODE_GLOBALS.map((name) => [name, 'readonly'])),
    },
    rules: {
      eqeqeq: 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'no-undef': 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
);
