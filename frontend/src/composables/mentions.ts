/* Mentions in a text: what is being typed after an "@", putting a name there, and which people a text mentions in the end.
   A text holds names; who is meant travels beside it as ids. */

export interface Mentionable {
  /* A person's id, or `all`. */
  id: string
  /* As it stands in a text, without the "@". */
  name: string
}

export interface MentionQuery {
  /* Where the "@" is. */
  from: number
  query: string
}

export interface MarkedPart {
  text: string
  /* The id that is mentioned here. */
  mention?: string
}

const LONGEST_QUERY = 32

/* The "@…" that the caret stands behind, or null. An "@" inside a word is an address, no mention. */
export function mentionAt(text: string, caret: number): MentionQuery | null {
  const before = text.slice(0, caret)
  const from = before.lastIndexOf('@')
  if (from < 0 || /[A-Za-z0-9_.]/u.test(before.charAt(from - 1))) return null
  const query = before.slice(from + 1)
  return query.length <= LONGEST_QUERY && !/[\s@]/u.test(query) ? { from, query } : null
}

/* Puts a name in place of what was typed; the caret stands behind the space after it. */
export function putMention(text: string, caret: number, at: MentionQuery, name: string): { text: string; caret: number } {
  const put = `@${name} `
  return { text: text.slice(0, at.from) + put + text.slice(caret), caret: at.from + put.length }
}

/* The longest name first, so that "@Anna" is not taken for "@Ann". */
function byLength(people: readonly Mentionable[]): Mentionable[] {
  return people.filter(({ name }) => name !== '').sort((a, b) => b.name.length - a.name.length)
}

/* A text in parts; those that name one of `people` carry the id. */
export function markMentions(text: string, people: readonly Mentionable[]): MarkedPart[] {
  const sorted = byLength(people)
  const parts: MarkedPart[] = []
  let done = 0

  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    if (at < done) continue
    const found = sorted.find(({ name }) => text.startsWith(name, at + 1))
    if (found === undefined) continue
    if (at > done) parts.push({ text: text.slice(done, at) })
    done = at + 1 + found.name.length
    parts.push({ text: text.slice(at, done), mention: found.id })
  }

  if (done < text.length) parts.push({ text: text.slice(done) })
  return parts
}

/* Who of those picked is still named in the text. */
export function mentionedIn(text: string, picked: readonly Mentionable[]): string[] {
  const ids = markMentions(text, picked).flatMap(({ mention }) => mention ?? [])
  return [...new Set(ids)]
}
