/* Colours for code: the highlighter and each language are fetched when a block first needs them. What is not here yet is asked for
   by `want`, and shown without colours until then. */
import type { HLJSApi, LanguageFn } from 'highlight.js'

type Loader = () => Promise<{ default: LanguageFn }>

const LOADERS: Record<string, Loader> = {
  bash: () => import('highlight.js/lib/languages/bash'),
  c: () => import('highlight.js/lib/languages/c'),
  cpp: () => import('highlight.js/lib/languages/cpp'),
  css: () => import('highlight.js/lib/languages/css'),
  diff: () => import('highlight.js/lib/languages/diff'),
  go: () => import('highlight.js/lib/languages/go'),
  java: () => import('highlight.js/lib/languages/java'),
  javascript: () => import('highlight.js/lib/languages/javascript'),
  json: () => import('highlight.js/lib/languages/json'),
  markdown: () => import('highlight.js/lib/languages/markdown'),
  python: () => import('highlight.js/lib/languages/python'),
  rust: () => import('highlight.js/lib/languages/rust'),
  sql: () => import('highlight.js/lib/languages/sql'),
  typescript: () => import('highlight.js/lib/languages/typescript'),
  xml: () => import('highlight.js/lib/languages/xml'),
  yaml: () => import('highlight.js/lib/languages/yaml'),
}
const OTHER_NAMES: Record<string, string> = {
  sh: 'bash', shell: 'bash', zsh: 'bash', console: 'bash', 'c++': 'cpp', cc: 'cpp', h: 'c', golang: 'go', js: 'javascript', jsx: 'javascript',
  mjs: 'javascript', node: 'javascript', md: 'markdown', py: 'python', python3: 'python', rs: 'rust', ts: 'typescript', tsx: 'typescript',
  html: 'xml', svg: 'xml', vue: 'xml', yml: 'yaml', patch: 'diff', jsonc: 'json',
}
/* Longer code stays plain: colours are not worth a page that stands still. */
const MOST = 20_000

let core: HLJSApi | null = null
const failed = new Set<string>()

function languageOf(name: string): string | null {
  const key = name.trim().toLowerCase()
  const known = Object.hasOwn(OTHER_NAMES, key) ? OTHER_NAMES[key] : key
  return known !== undefined && Object.hasOwn(LOADERS, known) ? known : null
}

/* Fetches a language; true if there are colours now that were not there before. */
async function load(language: string): Promise<boolean> {
  try {
    const [{ default: found }, { default: grammar }] = await Promise.all([import('highlight.js/lib/core'), (LOADERS[language] as Loader)()])
    core = found
    if (!core.getLanguage(language)) core.registerLanguage(language, grammar)
    return true
  } catch {
    // The network, or a release that is gone: code without colours is code as well.
    failed.add(language)
    return false
  }
}

/* Code as HTML with colours, or null: no such language, or not yet. `arrived` is called when it is worth another try. */
export function highlight(code: string, name: string, arrived: () => void): string | null {
  const language = languageOf(name)
  if (language === null || code.length > MOST || failed.has(language)) return null
  if (core?.getLanguage(language)) return core.highlight(code, { language, ignoreIllegals: true }).value
  void load(language).then((now) => now && arrived())
  return null
}
