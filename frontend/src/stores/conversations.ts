/* The conversations: what the list shows of each, unread counts, read marks, settings and who is typing. The messages themselves
   are in the SDK's logs. What an event says of a conversation is taken over at once; where it does not say enough (what is unread
   after a recall), the conversation is read anew. */
import { operationOf, type Conversation, type Entry, type Group, type HouseEvent, type UpdateConversation } from '@sdk'
import { defineStore } from 'pinia'
import { computed, ref, shallowReactive } from 'vue'
import { useClient } from './client'
import { isListed, mentions, merged, weight } from './conversationState'
import { usePeople } from './people'
import { useTyping } from './typing'

type EventOf<T extends HouseEvent['type']> = Omit<Extract<HouseEvent, { type: T }>, 'type'>
export type LeftReason = EventOf<'group.left'>['reason']

/* So often a conversation is read until nothing was said meanwhile. */
const MOST_READS = 3
/* Nobody counts further, the house neither. */
const MOST_UNREAD = 999

export const useConversations = defineStore('conversations', () => {
  const client = useClient()
  const people = usePeople()
  const { typing, onTyping, stopTyping, stopAll } = useTyping()

  const items = shallowReactive(new Map<string, Conversation>())
  /* Groups that I am no longer in, and why, since this page began. */
  const left = shallowReactive(new Map<string, LeftReason>())
  /* The version at which I left, so that an older object does not bring a group back. */
  const leftAt = new Map<string, number>()
  const loaded = ref(false)

  const sorted = computed(() =>
    [...items.values()]
      .filter(isListed)
      .sort((a, b) => Number(b.pinned) - Number(a.pinned) || (b.last_entry?.created_at ?? 0) - (a.last_entry?.created_at ?? 0)),
  )
  const unread = computed(() => sorted.value.reduce((sum, item) => sum + weight(item), 0))

  function change(id: string, changes: Partial<Conversation>): void {
    const known = items.get(id)
    if (known !== undefined) items.set(id, { ...known, ...changes })
  }

  /* An object read before an entry arrived must not take the entry away again. */
  function put(conversation: Conversation): void {
    const { id, version } = conversation
    if (version <= (leftAt.get(id) ?? -1)) return
    leftAt.delete(id)
    left.delete(id)
    if (conversation.peer !== null) people.put(conversation.peer)
    const known = items.get(id)
    if (known === undefined) return void items.set(id, conversation)
    if (version >= known.version) items.set(id, merged(known, conversation))
  }

  async function ensure(id: string): Promise<Conversation> {
    const known = items.get(id)
    if (known !== undefined) return known
    const conversation = await client.conversations.get(id)
    put(conversation)
    return items.get(id) ?? conversation
  }

  /* What is unread, whether I am mentioned, what was said last: as the house counts it. */
  async function refresh(id: string): Promise<void> {
    for (let read = 0; read < MOST_READS; read++) {
      const conversation = await client.conversations.get(id)
      put(conversation)
      if (conversation.last_seq >= (items.get(id)?.last_seq ?? 0)) return
    }
  }

  async function onEntry(entry: Entry, myId: string): Promise<void> {
    const known = items.get(entry.conversation_id)
    if (known === undefined) return void (await ensure(entry.conversation_id))
    if (entry.seq <= known.last_seq) return
    if (operationOf(entry) !== null) return onOperation(entry, known)

    const counts = entry.sender_id !== myId && entry.type !== 'system' && entry.recalled_at === null
    if (counts && entry.sender_id !== null) stopTyping(known.id, entry.sender_id)
    change(known.id, {
      last_seq: entry.seq,
      last_entry: entry,
      unread: Math.min(known.unread + (counts ? 1 : 0), MOST_UNREAD),
      mentioned: known.mentioned || (counts && mentions(entry, myId)),
    })
  }

  async function onOperation(entry: Entry, known: Conversation): Promise<void> {
    const operation = operationOf(entry)
    if (operation === null) return
    const { kind, target_seq, entry: target } = operation
    const isLast = known.last_entry?.seq === target_seq
    change(known.id, { last_seq: entry.seq, ...(isLast && target !== null && { last_entry: target }) })
    if ((isLast && target === null) || (kind === 'recall' && target_seq > known.read_seq)) await refresh(known.id)
  }

  async function onHidden({ conversation_id, seq }: EventOf<'entry.hidden'>): Promise<void> {
    const known = items.get(conversation_id)
    if (known !== undefined && (known.last_entry?.seq === seq || seq > known.read_seq)) await refresh(conversation_id)
  }

  async function onRead(event: EventOf<'conversation.read'>, myId: string): Promise<void> {
    const known = items.get(event.conversation_id)
    if (known === undefined) return
    const version = Math.max(known.version, event.version)
    if (event.user_id !== myId) {
      return change(known.id, { peer_read_seq: Math.max(event.read_seq, known.peer_read_seq ?? 0), version })
    }
    if (event.read_seq < known.read_seq) return
    const count = event.unread ?? known.unread
    change(known.id, { read_seq: event.read_seq, unread: count, marked_unread: false, mentioned: known.mentioned && count > 0, version })
    // The mention may be among what was read, or among what was not.
    if (known.mentioned && count > 0 && event.read_seq > known.read_seq) await refresh(known.id)
  }

  /* I cleared it, here or on another device: nothing is left of it, and it is not listed until something is said. */
  function onRemoved({ conversation_id: id, version }: EventOf<'conversation.removed'>): void {
    const known = items.get(id)
    if (known === undefined || known.version > version) return
    change(id, {
      version, first_seq: known.last_seq + 1, read_seq: known.last_seq, last_entry: null, unread: 0, mentioned: false, marked_unread: false,
    })
  }

  function onLeft({ conversation_id: id, reason, version }: EventOf<'group.left'>): void {
    const known = items.get(id)
    if (known !== undefined && known.version > version) return
    leftAt.set(id, Math.max(version, leftAt.get(id) ?? -1))
    left.set(id, reason)
    stopTyping(id)
    items.delete(id)
  }

  async function onGroup(group: Group): Promise<void> {
    const known = items.get(group.id)
    if (known === undefined) {
      if (group.version > (leftAt.get(group.id) ?? -1)) await ensure(group.id)
    } else if (group.version >= (known.group?.version ?? -1)) change(group.id, { group })
  }

  /* Shown as read at once; the house's answer corrects the count. */
  async function markRead(id: string, seq: number): Promise<void> {
    const known = items.get(id)
    if (known === undefined || (seq <= known.read_seq && !known.marked_unread)) return
    const { read_seq, unread: count, mentioned, marked_unread } = known
    const all = seq >= known.last_seq
    change(id, { read_seq: Math.max(seq, read_seq), unread: all ? 0 : count, mentioned: mentioned && !all, marked_unread: false })
    try {
      const mark = await client.conversations.markRead(id, Math.max(seq, read_seq))
      const present = items.get(id)
      if (present !== undefined && mark.read_seq >= present.read_seq) {
        const cameSince = seq < present.last_seq && known.last_seq < present.last_seq
        change(id, { read_seq: mark.read_seq, unread: cameSince ? present.unread : mark.unread })
        if (present.mentioned && !cameSince && mark.unread > 0) await refresh(id)
      }
    } catch (error) {
      if (items.get(id)?.read_seq === Math.max(seq, read_seq)) change(id, { read_seq, unread: count, mentioned, marked_unread })
      throw error
    }
  }

  async function open(userId: string): Promise<Conversation> {
    const conversation = await client.conversations.open(userId)
    put(conversation)
    return conversation
  }

  /* Pinned, how loudly it calls, my remark, marked as unread. */
  async function update(id: string, changes: UpdateConversation): Promise<void> {
    put(await client.conversations.update(id, changes))
  }

  async function clear(id: string): Promise<void> {
    await client.conversations.clear(id)
    onRemoved({ conversation_id: id, version: items.get(id)?.version ?? 0 })
  }

  async function load(): Promise<void> {
    const missed = await client.conversations.sync([...items.values()])
    for (const id of missed.removed) items.delete(id)
    missed.conversations.forEach(put)
    loaded.value = true
  }

  function reset(): void {
    stopAll()
    for (const map of [items, left, leftAt]) map.clear()
    loaded.value = false
  }

  return {
    items, left, typing, loaded, sorted, unread,
    put, ensure, refresh, open, update, clear, markRead, load, reset,
    onEntry, onHidden, onRead, onRemoved, onLeft, onGroup, onTyping,
  }
})
