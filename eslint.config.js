import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

const clock = 'Law 10: time comes from context.scheduler, so that tests own it.'
const emptyCatch = {
  selector: 'CatchClause > BlockStatement[body.length=0]',
  message: 'No error is swallowed: handle it, or let it go on.',
}
const outsideTheScheduler = ['src/cli/**', 'src/server/**', 'src/broker/**']
const vagueName = '{utils,util,helpers,helper,common,base,manager,misc,types}'

export default defineConfig(
  { ignores: ['dist', 'coverage', '.oxbow', 'node_modules'] },

  {
    files: ['**/*.js', '**/*.cjs'],
    rules: { 'no-undef': 'off', 'no-unused-vars': 'error', 'prefer-const': 'error' },
  },

  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-console': 'off',
      'no-restricted-syntax': ['error', emptyCatch],
      'no-fallthrough': 'error',
      'no-self-compare': 'error',
      'no-unreachable': 'error',
      'no-unsafe-finally': 'error',
      'no-useless-escape': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-for-in-array': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/no-unsafe-assignment': 'error',
      '@typescript-eslint/no-unsafe-return': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },

  {
    // Vitest's matchers and parsed JSON are of type any.
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off', '@typescript-eslint/no-unsafe-return': 'off' },
  },

  {
    files: ['src/**/*.ts'],
    ignores: ['**/*.gen.ts'],
    rules: { 'max-lines': ['error', 300] },
  },

  {
    files: ['src/**/*.ts'],
    ignores: outsideTheScheduler,
    rules: {
      'no-restricted-globals': ['error', ...timers().map((name) => ({ name, message: clock }))],
      'no-restricted-imports': [
        'error',
        { paths: ['timers', 'timers/promises', 'perf_hooks'].flatMap((name) => door(name)) },
      ],
      'no-restricted-syntax': [
        'error',
        emptyCatch,
        ...[
          "MemberExpression[object.name='Date'][property.name='now']",
          "NewExpression[callee.name='Date'][arguments.length=0]",
          "CallExpression[callee.name='Date']",
          "MemberExpression[object.name='performance'][property.name=/^(now|timeOrigin)$/]",
          "MemberExpression[object.name='process'][property.name=/^(hrtime|uptime)$/]",
          "MemberExpression[object.name='AbortSignal'][property.name='timeout']",
          "MemberExpression[object.name='globalThis'][property.name=/^(setTimeout|setInterval|setImmediate|performance|Date)$/]",
          "MemberExpression[object.name='DateTime'][property.name='now']",
          "CallExpression[callee.object.name='DateTime'][callee.property.name=/^(local|utc)$/][arguments.length=0]",
          // RxJS takes its own clock where no scheduler is given.
          'CallExpression[callee.name=/^(timer|interval|bufferTime|debounceTime|auditTime|sampleTime|throttleTime)$/][arguments.length=1]',
          'CallExpression[callee.name=/^(timestamp|timeInterval)$/][arguments.length=0]',
        ].map((selector) => ({ selector, message: clock })),
      ],
    },
  },

  {
    files: [`{src,test,bench,config}/**/${vagueName}.ts`, `{src,test,bench,config}/**/${vagueName}/**/*.ts`],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'Program', message: 'The name of this file or folder says nothing: name it after what it does.' },
      ],
    },
  },
)

function timers() {
  return ['setTimeout', 'setInterval', 'setImmediate']
}

function door(name) {
  return [name, `node:${name}`].map((module) => ({ name: module, message: clock }))
}
