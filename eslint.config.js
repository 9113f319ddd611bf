import js from '@eslint/js'
import globals from 'globals'
import tseslint from 'typescript-eslint'

const platform = [
  ...['window', 'document', 'self', 'globalThis', 'navigator', 'location', 'history'],
  ...['localStorage', 'sessionStorage', 'indexedDB', 'caches', 'BroadcastChannel', 'Worker', 'SharedWorker'],
  ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'],
  ...['fetch', 'XMLHttpRequest', 'crypto', 'console', 'addEventListener', 'removeEventListener'],
].map((name) => ({ name, message: 'Only src/adapters touches the platform: take a port or a value instead.' }))

// Properties of `window` that a forgotten declaration silently falls through to.
const accidental = ['name', 'event', 'status', 'origin', 'parent', 'top', 'open', 'close', 'closed', 'stop', 'length']

const impure = [
  ['Date', 'now', 'Take `now`, or a clock port.'],
  ['Math', 'random', 'Take the random port.'],
].map(([object, property, message]) => ({ object, property, message }))

const onlyErrorClasses = {
  selector: ':matches(ClassDeclaration, ClassExpression):not([superClass.name=/Error$/])',
  message: 'Factories and closures; `class` is for errors only.',
}
const impureDate = {
  selector: "NewExpression[callee.name='Date'][arguments.length=0]",
  message: 'Take `now`, or a clock port.',
}

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'etc/', 'reports/', '.stryker-tmp/'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    languageOptions: {
      parserOptions: {
        project: 'tsconfig.lint.json',
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      // Methods here are closures and use no `this`, so they may be passed around.
      '@typescript-eslint/unbound-method': 'off',
      // `async` turns a throw into a rejection, also without an await.
      '@typescript-eslint/require-await': 'off',
      // An abort reason may be anything, and is passed on as it is.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingAny: true, allowThrowingUnknown: true }],
      '@typescript-eslint/prefer-promise-reject-errors': [
        'error',
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 300 }],
      'no-restricted-globals': ['error', ...platform, ...accidental],
      'no-restricted-properties': ['error', ...impure],
      'no-restricted-syntax': ['error', onlyErrorClasses, impureDate],
    },
  },
  {
    files: ['src/adapters/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...accidental],
      'no-restricted-properties': 'off',
      'no-restricted-syntax': ['error', onlyErrorClasses],
    },
  },
  {
    // Made to run in tests, servers and browsers, and started by a call, never by an import.
    files: ['src/testing/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', ...accidental],
      // Who runs a fixture reads from its text what it needs: a pattern, and be it an empty one.
      'no-empty-pattern': ['error', { allowObjectPatternsAsParameters: true }],
    },
  },
  {
    // The one file that gives the commands their process, its clock included.
    files: ['src/testing/cli/main.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // Whoever reads a history looks at some kinds of entries, and names the rest `default`.
    files: ['src/testing/sim/**/*.ts'],
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // A branch of a switch does one thing, and is over.
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreVoidReturningFunctions: true }],
    },
  },
  {
    files: ['test/**', 'examples/**', 'scripts/**'],
    rules: {
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: globals.node },
  },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs' } },
  { files: ['examples/**/*.{js,mjs}'], languageOptions: { globals: { ...globals.node, ...globals.browser } } },
)
