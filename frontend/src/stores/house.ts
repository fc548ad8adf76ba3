/* The page's ear: reads the client's events while somebody is signed in and hands each to the store it concerns.
   On `resync` it reads the snapshot before it takes the next event; what happens meanwhile comes after it, so nothing is lost. */
import { isPosthouseError, type ClientEvent, type Entry } from '@sdk'
import { defineStore } from 'pinia'
import { ref } from 'vue'
import { useAssistants } from './assistants'
import { useClient } from './client'
import { useConversations } from './conversations'
import { useDrafts } from './drafts'
import { useFriends } from './friends'
import { useGroups } from './groups'
import { useMembers } from './members'
import { usePeople } from './people'
import { useServer } from './server'
import { useSession } from './session'

const RETRY_MS = [500, 1_000, 2_000, 5_000, 10_000] as const

export type EntryListener = (entry: Entry) => void
export type HiddenListener = (conversationId: string, seq: number) => void

export const useHouse = defineStore('house', () => {
  const client = useClient()
  const session = useSession()
  const people = usePeople()
  const server = useServer()
  const friends = useFriends()
  const conversations = useConversations()
  const groups = useGroups()
  const members = useMembers()
  const drafts = useDrafts()
  const assistants = useAssistants()

  /* True from a resync until the snapshot is here. */
  const resyncing = ref(false)
  /* Grows with each snapshot; who shows more than the snapshot holds watches it. */
  const snapshots = ref(0)
  const listeners = new Set<EntryListener>()
  const hiddenListeners = new Set<HiddenListener>()
  let running: AbortController | null = null

  function onEntry(listener: EntryListener): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /* Something was hidden for me: whoever shows it takes it away. */
  function onHidden(listener: HiddenListener): () => void {
    hiddenListeners.add(listener)
    return () => hiddenListeners.delete(listener)
  }

  async function pause(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
    })
  }

  async function resync(myId: string, signal: AbortSignal): Promise<void> {
    resyncing.value = true
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await Promise.all([session.load(), server.load(), friends.load(myId), conversations.load()])
        // Which groups I manage is known now.
        await groups.load()
        snapshots.value++
        break
      } catch (error) {
        if (!isPosthouseError(error)) throw error
        const least = (error.retryAfter ?? 0) * 1000
        await pause(Math.max(least, RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 0), signal)
      }
    }
    resyncing.value = false
  }

  async function dispatch(event: ClientEvent, myId: string, signal: AbortSignal): Promise<void> {
    switch (event.type) {
      case 'resync':
        return resync(myId, signal)
      case 'entry':
        await conversations.onEntry(event.entry, myId)
        listeners.forEach((listener) => listener(event.entry))
        return
      case 'entry.hidden':
        hiddenListeners.forEach((listener) => listener(event.conversation_id, event.seq))
        return conversations.onHidden(event)
      case 'conversation':
        return conversations.put(event.conversation)
      case 'conversation.removed':
        return conversations.onRemoved(event)
      case 'conversation.read':
        return conversations.onRead(event, myId)
      case 'friend':
        return friends.putFriend(event.friend)
      case 'friend.removed':
        return friends.dropFriend(event.user_id, event.version)
      case 'friend_request':
        return friends.putRequest(event.friend_request, myId)
      case 'block':
        return friends.onBlock(event.user_id, event.blocked)
      case 'group':
        return conversations.onGroup(event.group)
      case 'group.left':
        conversations.onLeft(event)
        if (!conversations.items.has(event.conversation_id)) groups.forget(event.conversation_id)
        return
      case 'join_request':
        return groups.putRequest(event.join_request)
      case 'me':
        return session.apply(event.user)
      case 'user':
        return people.put(event.user)
      case 'typing':
        return event.user_id === myId ? undefined : conversations.onTyping(event.conversation_id, event.user_id)
      case 'presence':
        return people.presence(event.user_id, event.online, event.last_seen_at)
      case 'session.revoked':
        return
    }
  }

  /* One event that could not be completed (its object is gone, or a look-up failed) must not end the loop. */
  async function listen(myId: string, signal: AbortSignal): Promise<void> {
    for await (const event of client.events({ signal })) {
      try {
        await dispatch(event, myId, signal)
      } catch (error) {
        if (!isPosthouseError(error)) throw error
        if (error.retryable) await resync(myId, signal)
      }
    }
  }

  client.on('sent', (entry) => {
    if (session.userId !== null) void conversations.onEntry(entry, session.userId).catch(() => undefined)
  })

  function stop(): void {
    running?.abort()
    running = null
    for (const store of [people, friends, conversations, groups, members, drafts, assistants]) store.reset()
    resyncing.value = false
    snapshots.value = 0
  }

  function start(): void {
    stop()
    const myId = session.userId
    if (myId === null) return
    drafts.start()
    running = new AbortController()
    void listen(myId, running.signal)
  }

  return { resyncing, snapshots, start, stop, onEntry, onHidden, retryNow: () => client.resume(), leads: () => client.leads }
})
