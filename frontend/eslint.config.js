// Lint of the frontend. Besides the usual rules it keeps the layers apart:
//   ui ← features → composables → stores → sdk
// `ui` is bare widgets and knows nobody; `features` are screens and may use everything below and `ui`;
// `app` only wires them together; `sdk` is pure TypeScript and knows nothing of Vue or of the app.
import js from '@eslint/js'
import vue from 'eslint-plugin-vue'
import ts from 'typescript-eslint'
import vueParser from 'vue-eslint-parser'

// What each layer may import. A folder of src/ that has no row here is an error (see unknownLayers).
const layers = {
  ui: ['ui'],
  stores: ['stores', 'sdk'],
  composables: ['composables', 'stores', 'sdk'],
  features: ['features', 'composables', 'stores', 'sdk', 'ui', 'locales'],
  app: ['app', 'features', 'composables', 'stores', 'sdk', 'ui', 'locales'],
  locales: ['locales'],
}

function importPlace(filename, source) {
  if (source === '@sdk' || source.startsWith('@sdk/')) return 'sdk'
  if (source.startsWith('@/')) return source.slice(2).split('/')[0]
  if (!source.startsWith('.')) return null
  const target = new URL(source, 'file://' + filename).pathname
  if (target.includes('/frontend/sdk')) return 'sdk'
  const inside = target.split('/frontend/src/')[1]
  return inside?.includes('/') ? inside.split('/')[0] : null
}

const layerRule = {
  meta: { type: 'problem', messages: { upward: '{{from}} may not import {{to}}', unknown: 'src/{{from}} is no layer: add it to eslint.config.js' } },
  create(context) {
    const filename = context.filename.replaceAll('\\', '/')
    const inSdk = filename.includes('/frontend/sdk/')
    const inside = filename.split('/frontend/src/')[1]
    const from = inSdk ? 'sdk' : inside?.includes('/') ? inside.split('/')[0] : null
    if (!from) return {}
    const allowed = inSdk ? ['sdk'] : layers[from]
    const check = (node) => {
      if (!node.source || typeof node.source.value !== 'string') return
      if (!allowed) return context.report({ node, messageId: 'unknown', data: { from } })
      const to = importPlace(filename, node.source.value)
      if (to && !allowed.includes(to)) context.report({ node, messageId: 'upward', data: { from, to } })
    }
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check }
  },
}

export default ts.config(
  { ignores: ['dist/**', 'node_modules/**', 'sdk/schema.gen.ts'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...vue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parser: vueParser, parserOptions: { parser: ts.parser, sourceType: 'module' } },
  },
  {
    plugins: { posthouse: { rules: { layers: layerRule } } },
    rules: {
      'posthouse/layers': 'error',
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      // TypeScript finds undefined names itself, and knows the DOM's types, which this rule does not.
      'no-undef': 'off',
      // The formatting rules of the Vue plugin: layout is the author's, and these would fight with it.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/attributes-order': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/multiline-html-element-content-newline': 'off',
    },
  },
  {
    // The SDK is pure: no Vue, and no DOM beyond fetch, AbortController, crypto.getRandomValues and timers.
    files: ['sdk/**/*.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['vue', 'vue-*', 'pinia', '@vue/*', 'element-plus', 'element-plus/*'] }],
      'no-restricted-globals': ['error', 'document', 'window', 'navigator', 'localStorage', 'sessionStorage', 'location'],
    },
  },
  {
    // The one file that binds the SDK to a browser, and its test.
    files: ['sdk/browser.ts', 'sdk/tests/browser.test.ts'],
    rules: { 'no-restricted-globals': 'off' },
  },
)
