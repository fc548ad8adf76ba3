/* Splits a text into plain runs and web links. It makes no HTML: the view puts the parts into text nodes and <a href>. */

export interface TextPart {
  text: string
  href?: string
}

const URL_PATTERN = /(?:https?:\/\/|www\.)[^\s<>"'`\u3000-\u303f\uff00-\uffef]+/giu
const CLOSERS: Record<string, string> = { ')': '(', ']': '[', '}': '{' }

/* Punctuation that ends the sentence is not the link's; a closing bracket is, if the link opened it. */
function trimEnd(url: string): string {
  let end = url.length
  while (end > 0) {
    const last = url.charAt(end - 1)
    const opener = CLOSERS[last]
    const head = url.slice(0, end)
    const unbalanced = opener !== undefined && head.split(last).length > head.split(opener).length
    if (!'.,:;!?*_~…'.includes(last) && !unbalanced) break
    end--
  }
  return url.slice(0, end)
}

function safeHref(url: string): string | undefined {
  try {
    const parsed = new URL(url.toLowerCase().startsWith('www.') ? `https://${url}` : url)
    const isWeb = parsed.protocol === 'http:' || parsed.protocol === 'https:'
    return isWeb && parsed.hostname !== '' ? parsed.href : undefined
  } catch {
    return undefined
  }
}

export function linkify(text: string): TextPart[] {
  const parts: TextPart[] = []
  let done = 0

  for (const match of text.matchAll(URL_PATTERN)) {
    const shown = trimEnd(match[0])
    const href = safeHref(shown)
    if (href === undefined) continue
    if (match.index > done) parts.push({ text: text.slice(done, match.index) })
    parts.push({ text: shown, href })
    done = match.index + shown.length
  }

  if (done < text.length) parts.push({ text: text.slice(done) })
  return parts
}
