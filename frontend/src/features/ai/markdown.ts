/* What a model wrote, as elements to show. It is nobody's word: Markdown makes the HTML (its own HTML is text), DOMPurify leaves of
   that only what stands in the lists below, and what is left asks no other server for anything: pictures become links, and links
   say where they lead. This module is large, so it is fetched when the first answer is shown. */
import DOMPurify, { type Config } from 'dompurify'
import MarkdownIt from 'markdown-it'
import { highlight } from './highlight'

export interface MarkdownTexts {
  copyCode: string
  /* Beside a picture's own words. */
  picture: string
}

const TAGS = [
  'a', 'blockquote', 'br', 'code', 'del', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'li', 'ol', 'p', 'pre', 's', 'span', 'strong',
  'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul',
]
const POLICY: Config & { RETURN_DOM_FRAGMENT: true } = {
  ALLOWED_TAGS: TAGS,
  // `class` only as written below and by the highlighter: see onlyOurs.
  ALLOWED_ATTR: ['href', 'class', 'start', 'data-language', 'data-picture'],
  ADD_URI_SAFE_ATTR: ['start', 'data-language', 'data-picture'],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
}
const SAFE_LINK = /^(?:https?:\/\/|mailto:)/i
const LONGEST_LANGUAGE = 20
const OUR_CLASS = /^hljs-[a-z_-]+$/

/* Of one rendering: whom to tell that colours have come. */
interface Rendering extends Record<string | symbol, unknown> {
  later: () => void
}

const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true, typographer: false })
markdown.validateLink = (url) => SAFE_LINK.test(url.trim())
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false })
const escape = markdown.utils.escapeHtml

/* A picture would tell a stranger who reads this, and when. */
markdown.renderer.rules['image'] = (tokens, at) => {
  const token = tokens[at]
  const url = String(token?.attrGet('src') ?? '')
  const words = token?.content.trim() || url
  return SAFE_LINK.test(url) ? `<a href="${escape(url)}" data-picture="">${escape(words)}</a>` : escape(words)
}
const block = (code: string, language: string, env: unknown) =>
  `<pre data-language="${escape(language)}"><code>${highlight(code, language, (env as Rendering).later) ?? escape(code)}</code></pre>\n`
markdown.renderer.rules['fence'] = (tokens, at, _options, env) => {
  const [language = ''] = (tokens[at]?.info ?? '').trim().split(/\s+/)
  return block(tokens[at]?.content ?? '', language.slice(0, LONGEST_LANGUAGE), env)
}
markdown.renderer.rules['code_block'] = (tokens, at, _options, env) => block(tokens[at]?.content ?? '', '', env)

/* Classes of others would dress a text up as a part of the app. */
function onlyOurs(root: DocumentFragment): void {
  for (const element of root.querySelectorAll('[class]')) {
    const classes = [...element.classList].filter((name) => element.localName === 'span' && OUR_CLASS.test(name))
    if (classes.length > 0) element.className = classes.join(' ')
    else element.removeAttribute('class')
  }
}

function make(tag: string, name: string, text: string): HTMLElement {
  const element = document.createElement(tag)
  element.className = name
  element.textContent = text
  return element
}

/* Where a link leads is seen before it is followed: one whose words are not its address has its host behind them. */
function markLinks(root: DocumentFragment, texts: MarkdownTexts): void {
  for (const link of root.querySelectorAll('a')) {
    const href = link.getAttribute('href') ?? ''
    if (!SAFE_LINK.test(href)) {
      link.replaceWith(...link.childNodes)
      continue
    }
    link.target = '_blank'
    link.rel = 'noopener noreferrer nofollow'
    link.title = href
    link.className = 'outward'
    const host = /^https?:\/\/([^/?#]*)/i.exec(link.href)?.[1] ?? ''
    if (link.hasAttribute('data-picture')) link.prepend(make('span', 'picture', texts.picture))
    if (host !== '' && !(link.textContent ?? '').toLowerCase().includes(host.toLowerCase())) link.append(make('span', 'host', host))
  }
}

function dressCode(root: DocumentFragment, texts: MarkdownTexts): void {
  for (const pre of root.querySelectorAll('pre')) {
    const box = make('div', 'code', '')
    const head = make('div', 'code-head', '')
    const copy = make('button', 'code-copy', texts.copyCode)
    copy.setAttribute('type', 'button')
    copy.setAttribute('data-test', 'copy-code')
    head.append(make('span', 'code-language', pre.getAttribute('data-language') ?? ''), copy)
    pre.tabIndex = 0
    pre.replaceWith(box)
    box.append(head, pre)
  }
}

/* A wide table scrolls by itself. */
function frameTables(root: DocumentFragment): void {
  for (const table of root.querySelectorAll('table')) {
    const box = make('div', 'table', '')
    table.replaceWith(box)
    box.append(table)
  }
}

/* `later` is called when colours for its code have come, and it is worth rendering again. */
export function renderMarkdown(text: string, texts: MarkdownTexts, later: () => void): DocumentFragment {
  const env: Rendering = { later }
  const root = DOMPurify.sanitize(markdown.render(text, env), POLICY)
  onlyOurs(root)
  markLinks(root, texts)
  dressCode(root, texts)
  frameTables(root)
  return root
}
