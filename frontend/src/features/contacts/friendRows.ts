/* The list of friends as it is drawn: under their tags, those without one at the end, each group by name. */
import type { Friend } from '@sdk'

export type FriendRowItem =
  | { kind: 'tag'; key: string; tag: string; count: number }
  | { kind: 'friend'; key: string; friend: Friend; name: string }

export function friendRows(friends: readonly { friend: Friend; name: string }[], locale: string): FriendRowItem[] {
  const collator = new Intl.Collator(locale, { sensitivity: 'base', numeric: true })
  const groups = new Map<string, { friend: Friend; name: string }[]>()
  for (const item of friends) {
    const tag = item.friend.tag.trim()
    groups.set(tag, [...(groups.get(tag) ?? []), item])
  }

  const tags = [...groups.keys()].sort((a, b) => (a === '' ? 1 : b === '' ? -1 : collator.compare(a, b)))
  const titled = tags.length > 1 || (tags.length === 1 && tags[0] !== '')
  return tags.flatMap((tag) => {
    const members = [...(groups.get(tag) ?? [])].sort((a, b) => collator.compare(a.name, b.name))
    const rows: FriendRowItem[] = members.map((item) => ({ kind: 'friend', key: item.friend.user.id, ...item }))
    return titled ? [{ kind: 'tag', key: `tag:${tag}`, tag, count: members.length } as FriendRowItem, ...rows] : rows
  })
}
