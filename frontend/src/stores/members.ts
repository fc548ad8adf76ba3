/* The members of the groups that somebody looks at: read whole when they are first needed, for names and completion, and again
   when the group changed. Of a large group only who opens the list reads it again. */
import type { Group, GroupMember, Page } from '@sdk'
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { useClient } from './client'
import { usePeople } from './people'

export type Members = ReadonlyMap<string, GroupMember>

/* Up to so many are read again at each change. */
const FEW = 200
const PAGE = 200
/* More than the largest group has. */
const MOST_PAGES = 50

export const useMembers = defineStore('members', () => {
  const client = useClient()
  const people = usePeople()
  const byGroup = shallowReactive(new Map<string, Members>())
  const versions = new Map<string, number>()
  const reading = new Map<string, Promise<void>>()

  async function all(groupId: string): Promise<GroupMember[]> {
    const items: GroupMember[] = []
    for (let cursor: string | null = null, page = 0; page < MOST_PAGES; page++) {
      const answer: Page<GroupMember> = await client.groups.members(groupId, { limit: PAGE, ...(cursor === null ? {} : { cursor }) })
      items.push(...answer.items)
      cursor = answer.next_cursor
      if (cursor === null) break
    }
    return items
  }

  async function read(groupId: string, version: number): Promise<void> {
    const members = await all(groupId)
    members.forEach((member) => people.put(member.user))
    byGroup.set(groupId, new Map(members.map((member) => [member.user.id, member])))
    versions.set(groupId, version)
  }

  /* Brings the members of a group up to its version; who asks while they are being read waits for the same. A name for the group
     and a mute change no version: who opens the group asks for them `anew`. */
  async function load(group: Pick<Group, 'id' | 'version'>, anew = false): Promise<void> {
    if (!anew && (versions.get(group.id) ?? -1) >= group.version) return
    const before = reading.get(group.id)
    if (before !== undefined) {
      await before
      return load(group)
    }
    const work = read(group.id, group.version).finally(() => reading.delete(group.id))
    reading.set(group.id, work)
    await work
  }

  /* The group changed while somebody looks at its conversation. */
  async function follow(group: Group, anew = false): Promise<void> {
    if (!byGroup.has(group.id) || group.member_count <= FEW) await load(group, anew)
  }

  function put(groupId: string, member: GroupMember): void {
    people.put(member.user)
    byGroup.set(groupId, new Map([...(byGroup.get(groupId) ?? []), [member.user.id, member]]))
  }

  function drop(groupId: string, userId: string): void {
    byGroup.set(groupId, new Map([...(byGroup.get(groupId) ?? [])].filter(([id]) => id !== userId)))
  }

  function reset(): void {
    byGroup.clear()
    versions.clear()
    reading.clear()
  }

  return { byGroup, load, follow, put, drop, reset }
})
