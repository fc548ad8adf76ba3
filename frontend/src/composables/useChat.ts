/* One open conversation: its log and its unsent messages as reactive values, drawn as rows, and what one can do with them. */
import { isPosthouseError, type ConversationLog, type Entry, type PendingMessage } from '@sdk'
import { computed, onWatcherCleanup, ref, shallowRef, watch, type Ref } from 'vue'
import { useClient } from '@/stores/client'
import { useConversations } from '@/stores/conversations'
import { useHouse } from '@/stores/house'
import { useSession } from '@/stores/session'
import { messageRows } from './messageRows'
import { useNames } from './useNames'

export function useChat(id: Ref<string>) {
  const client = useClient()
  const conversations = useConversations()
  const house = useHouse()
  const session = useSession()
  const { isNotebook } = useNames()

  const conversation = computed(() => conversations.items.get(id.value) ?? null)
  const entries = shallowRef<readonly Entry[]>([])
  const pending = shallowRef<readonly PendingMessage[]>([])
  const hasOlder = ref(false)
  const loadingOlder = ref(false)
  const refreshing = ref(false)
  const busy = computed(() => loadingOlder.value || refreshing.value)
  const olderFailed = ref(false)
  const ready = ref(false)
  const error = shallowRef<unknown>(null)
  /* Where reading stopped when the conversation was opened, if something was unread. */
  const readBefore = ref<number | null>(null)
  let log: ConversationLog = client.log(id.value)

  /* The line "new" stands where reading stopped, and stays there while the conversation is open. Where that is further up
     than what was read so far, there is no line yet. */
  const newFromSeq = computed(() => {
    const before = readBefore.value
    const first = entries.value[0]
    if (before === null || first === undefined || first.seq > before + 1) return null
    const fresh = entries.value.find((entry) => entry.seq > before && entry.sender_id !== session.userId && entry.type !== 'system')
    return fresh?.seq ?? null
  })

  const rows = computed(() =>
    messageRows({
      entries: entries.value,
      pending: pending.value,
      myId: session.userId ?? '',
      withTicks: conversation.value !== null && !isNotebook(conversation.value),
      peerReadSeq: conversation.value?.peer_read_seq ?? 0,
      newFromSeq: newFromSeq.value,
    }),
  )

  function copy(): void {
    entries.value = log.entries
    pending.value = client.outbox.pending(log.conversationId)
    hasOlder.value = log.hasOlder
  }

  function markNew(): void {
    const known = conversation.value
    readBefore.value = known !== null && known.unread > 0 ? known.read_seq : null
  }

  function show(): void {
    if (!ready.value) markNew()
    ready.value = true
    copy()
  }

  async function load(): Promise<void> {
    const mine = log
    error.value = null
    refreshing.value = true
    try {
      await conversations.ensure(mine.conversationId)
      await mine.loadNewest()
      if (mine !== log) return
      show()
    } catch (caught) {
      if (mine === log) error.value = caught
    } finally {
      if (mine === log) refreshing.value = false
    }
  }

  async function loadOlder(): Promise<void> {
    const mine = log
    /* The log reads one page at a time and would answer at once, having done nothing. */
    if (loadingOlder.value || mine.loading) return
    loadingOlder.value = true
    olderFailed.value = false
    try {
      await mine.loadOlder()
    } catch (caught) {
      if (!isPosthouseError(caught)) throw caught
      if (mine === log) olderFailed.value = true
    } finally {
      if (mine === log) loadingOlder.value = false
    }
  }

  watch(
    id,
    (value) => {
      log = client.log(value)
      ready.value = false
      readBefore.value = null
      loadingOlder.value = false
      olderFailed.value = false
      const stops = [
        log.subscribe(() => ready.value && copy()),
        client.outbox.subscribe((changed) => changed === value && ready.value && copy()),
      ]
      onWatcherCleanup(() => stops.forEach((stop) => stop()))
      entries.value = []
      pending.value = []
      if (log.covers !== null) show()
      void load()
    },
    { immediate: true },
  )
  watch(
    () => house.snapshots,
    /* A log that is shown is brought up to date by the SDK. */
    () => void ((!ready.value || error.value !== null) && load()),
  )

  return {
    conversation, rows, pending, ready, error, hasOlder, loadingOlder, busy, olderFailed,
    load, loadOlder,
    send: (text: string) => void client.outbox.send(id.value, { text }),
    resend: (clientMsgId: string) => client.outbox.retry(clientMsgId),
    discard: (clientMsgId: string) => client.outbox.discard(clientMsgId),
    typing: () => void client.conversations.typing(id.value),
  }
}
