/* The conversations: what the list shows of each, unread counts, read marks and who is typing. The messages themselves
   are in the SDK's logs. */
import type { Conversation, Entry } from '@sdk'
import { defineStore } from 'pinia'
import { computed, ref, shallowReactive } from 'vue'
import { useClient } from './client'
import { usePeople } from './people'

const TYPING_MS = 6_000

export const useConversations = defineStore('conversations', () => {
  const client = useClient()
  const people = usePeople()

  const items = shallowReactive(new Map<string, Conversation>())
  const typing = shallowReactive(new Map<string, ReturnType<typeof setTimeout>>())
  const loaded = ref(false)

  const sorted = computed(() =>
    [...items.values()].sort(
      (a, b) => Number(b.pinned) - Number(a.pinned) || (b.last_entry?.created_at ?? 0) - (a.last_entry?.created_at ?? 0),
    ),
  )
  const unread = computed(() => sorted.value.reduce((sum, item) => sum + (item.notify === 'none' ? 0 : item.unread), 0))

  function change(id: string, changes: Partial<Conversation>): void {
    const known = items.get(id)
    if (known !== undefined) items.set(id, { ...known, ...changes })
  }

  /* An object read before an entry arrived must not take the entry away again. */
  function put(conversation: Conversation): void {
    const known = items.get(conversation.id)
    if (conversation.peer !== null) people.put(conversation.peer)
    if (known === undefined) return void items.set(conversation.id, conversation)
    if (conversation.version < known.version) return

    const older = conversation.last_seq < known.last_seq
    items.set(conversation.id, {
      ...conversation,
      ...(older && { last_seq: known.last_seq, last_entry: known.last_entry, unread: known.unread }),
      read_seq: Math.max(conversation.read_seq, known.read_seq),
      peer_read_seq: maxOrNull(conversation.peer_read_seq, known.peer_read_seq),
    })
  }

  async function ensure(id: string): Promise<Conversation> {
    const known = items.get(id)
    if (known !== undefined) return known
    const conversation = await client.conversations.get(id)
    put(conversation)
    return items.get(id) ?? conversation
  }

  async function onEntry(entry: Entry, myId: string): Promise<void> {
    const known = items.get(entry.conversation_id)
    if (known === undefined) return void (await ensure(entry.conversation_id))
    if (entry.seq <= known.last_seq) return

    const counts = entry.sender_id !== myId && entry.type !== 'system'
    if (counts) stopTyping(entry.conversation_id)
    change(known.id, { last_seq: entry.seq, last_entry: entry, unread: known.unread + (counts ? 1 : 0) })
  }

  function onRead(event: { conversation_id: string; user_id: string; read_seq: number; unread?: number; version: number }, myId: string): void {
    const known = items.get(event.conversation_id)
    if (known === undefined) return
    const version = Math.max(known.version, event.version)
    if (event.user_id === myId) {
      if (event.read_seq < known.read_seq) return
      change(known.id, { read_seq: event.read_seq, unread: event.unread ?? known.unread, marked_unread: false, version })
    } else {
      change(known.id, { peer_read_seq: Math.max(event.read_seq, known.peer_read_seq ?? 0), version })
    }
  }

  /* Shown as read at once; the house's answer corrects the count. */
  async function markRead(id: string, seq: number): Promise<void> {
    const known = items.get(id)
    if (known === undefined || seq <= known.read_seq) return
    const before = { read_seq: known.read_seq, unread: known.unread }
    change(id, { read_seq: seq, unread: seq >= known.last_seq ? 0 : known.unread })
    try {
      const mark = await client.conversations.markRead(id, seq)
      const present = items.get(id)
      if (present !== undefined && mark.read_seq >= present.read_seq) {
        const cameSince = seq < present.last_seq && known.last_seq < present.last_seq
        change(id, { read_seq: mark.read_seq, unread: cameSince ? present.unread : mark.unread })
      }
    } catch (error) {
      if (items.get(id)?.read_seq === seq) change(id, before)
      throw error
    }
  }

  function stopTyping(id: string): void {
    clearTimeout(typing.get(id))
    typing.delete(id)
  }

  function onTyping(id: string): void {
    stopTyping(id)
    typing.set(id, setTimeout(() => typing.delete(id), TYPING_MS))
  }

  async function open(userId: string): Promise<Conversation> {
    const conversation = await client.conversations.open(userId)
    put(conversation)
    return conversation
  }

  async function load(): Promise<void> {
    const missed = await client.conversations.sync([...items.values()])
    for (const id of missed.removed) items.delete(id)
    missed.conversations.forEach(put)
    loaded.value = true
  }

  function reset(): void {
    for (const id of [...typing.keys()]) stopTyping(id)
    items.clear()
    loaded.value = false
  }

  return { items, typing, loaded, sorted, unread, put, ensure, open, onEntry, onRead, onTyping, markRead, load, reset }
})

function maxOrNull(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b)
}
