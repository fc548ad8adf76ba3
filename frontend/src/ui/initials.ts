/* What an avatar shows while it has no picture: up to two characters of the name, on a colour that stays the same for an id. */

const HAN_OR_KANA = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u

/* Old pigments; each carries white text at a contrast of at least 4.5. */
const PIGMENTS = ['#9c3b2e', '#8a5523', '#746018', '#46693f', '#2c6a62', '#2d6284', '#44568f', '#67498a', '#8f3a62', '#56514a']

function graphemes(text: string): string[] {
  if (typeof Intl.Segmenter === 'function') {
    return Array.from(new Intl.Segmenter().segment(text), (part) => part.segment)
  }
  return Array.from(text)
}

export function initials(name: string): string {
  const trimmed = name.trim()
  const letters = graphemes(trimmed)
  if (letters.length === 0) return '·'

  const east = letters.filter((letter) => HAN_OR_KANA.test(letter))
  if (east.length > 0) return east.slice(-2).join('')

  const words = trimmed.split(/[\s._-]+/u).filter(Boolean)
  const first = graphemes(words[0] ?? trimmed)[0] ?? ''
  const second = words.length > 1 ? (graphemes(words[words.length - 1] ?? '')[0] ?? '') : ''
  return (first + second).toLocaleUpperCase()
}

export function pigment(id: string): string {
  let hash = 0
  for (const unit of id) hash = (hash * 31 + (unit.codePointAt(0) ?? 0)) >>> 0
  return PIGMENTS[hash % PIGMENTS.length] ?? '#56514a'
}
