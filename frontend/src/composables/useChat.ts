/* One open conversation: its log and its unsent messages as reactive values, drawn as rows, and what one can do with them. */
import { isPosthouseError, type ConversationLog, type Entry, type PendingMessage, type RunningReply } from '@sdk'
import { computed, onScopeDispose, onWatcherCleanup, ref, shallowRef, watch, type Ref } from 'vue'
import { useClient } from '@/stores/client'
import { useConversations } from '@/stores/conversations'
import { useHouse } from '@/stores/house'
import { useSession } from '@/stores/session'
import { messageRows } from './messageRows'
import { useLogWindow } from './useLogWindow'
import { useNames } from './useNames'
import { useParcels } from './useParcels'

/* How long it is shown where one has jumped to. */
const FLASH_MS = 1_800

export function useChat(id: Ref<string>) {
  const client = useClient()
  const conversations = useConversations()
  const house = useHouse()
  const session = useSession()
  const { isNotebook } = useNames()
  const files = useParcels(id)

  const conversation = computed(() => conversations.items.get(id.value) ?? null)
  const entries = shallowRef<readonly Entry[]>([])
  const pending = shallowRef<readonly PendingMessage[]>([])
  const replies = shallowRef<readonly RunningReply[]>([])
  const hasOlder = ref(false)
  const loadingOlder = ref(false)
  const refreshing = ref(false)
  const olderFailed = ref(false)
  const ready = ref(false)
  const error = shallowRef<unknown>(null)
  /* Where reading stopped when the conversation was opened, if something was unread. */
  const readBefore = ref<number | null>(null)
  const missed = shallowRef<{ afterSeq: number; count: number } | null>(null)
  /* Where one has jumped to, if that is far up; then its part of the log is shown. Each jump is an object of its own. */
  const window = useLogWindow()
  const target = shallowRef<{ seq: number } | null>(null)
  const flashed = ref<number | null>(null)
  let flashing: ReturnType<typeof setTimeout> | undefined
  let log: ConversationLog = client.log(id.value)

  const busy = computed(() => (window.isOpen.value ? window.loading.value : loadingOlder.value || refreshing.value))
  const shown = computed(() => window.entries.value ?? entries.value)
  /* What is on its way stands at the end, which a window need not show. */
  const shownPending = computed(() => (window.hasNewer.value ? [] : pending.value))
  const shownReplies = computed(() => (window.hasNewer.value ? [] : replies.value))
  const shownParcels = computed(() => (window.hasNewer.value ? [] : files.parcels.value))

  /* The line "new" stands where reading stopped, and stays there while the conversation is open. Where that is further up
     than what was read so far, there is no line yet. */
  const newFromSeq = computed(() => {
    const before = readBefore.value
    const first = shown.value[0]
    if (before === null || first === undefined || first.seq > before + 1) return null
    const fresh = shown.value.find((entry) => entry.seq > before && entry.sender_id !== session.userId && entry.type !== 'system')
    return fresh?.seq ?? null
  })

  const rows = computed(() =>
    messageRows({
      entries: shown.value,
      pending: shownPending.value,
      replies: shownReplies.value,
      parcels: shownParcels.value,
      myId: session.userId ?? '',
      withTicks: conversation.value !== null && !isNotebook(conversation.value),
      peerReadSeq: conversation.value?.peer_read_seq ?? 0,
      newFromSeq: newFromSeq.value,
    }),
  )

  function copy(): void {
    entries.value = log.entries
    pending.value = client.outbox.pending(log.conversationId)
    replies.value = client.ai.running(log.conversationId)
    hasOlder.value = log.hasOlder
  }

  function markNew(): void {
    const known = conversation.value
    readBefore.value = known !== null && known.unread > 0 ? known.read_seq : null
    missed.value = readBefore.value === null ? null : { afterSeq: readBefore.value, count: known?.unread ?? 0 }
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

  /* More of the window, if one is open; what fails is asked for again by the next scroll. */
  async function grow(read: () => Promise<void>): Promise<void> {
    try {
      await read()
    } catch (caught) {
      if (!isPosthouseError(caught)) throw caught
    }
  }

  async function loadNewer(): Promise<void> {
    if (window.isOpen.value) await grow(window.newer)
  }

  async function loadOlder(): Promise<void> {
    if (window.isOpen.value) return grow(window.older)
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

  function flash(seq: number): void {
    clearTimeout(flashing)
    flashed.value = seq
    flashing = setTimeout(() => (flashed.value = null), FLASH_MS)
  }

  /* Goes to an entry, wherever in the log it is; false if it is not there for this reader. */
  async function jumpTo(seq: number): Promise<boolean> {
    const mine = log
    if (!shown.value.some((entry) => entry.seq === seq)) {
      if (entries.value.some((entry) => entry.seq === seq)) window.close()
      else if (!(await window.open(mine, seq)) || mine !== log) return false
    }
    target.value = { seq }
    flash(seq)
    return true
  }

  function toNewest(): void {
    window.close()
    target.value = null
  }

  watch(
    id,
    (value) => {
      log = client.log(value)
      ready.value = false
      readBefore.value = null
      missed.value = null
      loadingOlder.value = false
      olderFailed.value = false
      toNewest()
      const stops = [
        log.subscribe(() => ready.value && copy()),
        client.outbox.subscribe((changed) => changed === value && ready.value && copy()),
        client.ai.subscribe((changed) => changed === value && ready.value && copy()),
      ]
      onWatcherCleanup(() => stops.forEach((stop) => stop()))
      entries.value = []
      pending.value = []
      replies.value = []
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

  onScopeDispose(() => clearTimeout(flashing))

  return {
    conversation, entries: shown, rows, pending, replies, missed, window, target, flashed, ready, error, busy,
    hasOlder: computed(() => (window.isOpen.value ? window.hasOlder.value : hasOlder.value)),
    loadingOlder: computed(() => (window.isOpen.value ? window.loading.value && window.hasOlder.value : loadingOlder.value)),
    olderFailed: computed(() => !window.isOpen.value && olderFailed.value),
    load, loadOlder, loadNewer, jumpTo, toNewest,
    send: (message: { text: string; replyToSeq: number | null; mentions: string[] }) => void client.outbox.send(id.value, message),
    resend: (clientMsgId: string) => (files.holds(clientMsgId) ? files.retry(clientMsgId) : client.outbox.retry(clientMsgId)),
    discard: (clientMsgId: string) => (files.holds(clientMsgId) ? files.cancel(clientMsgId) : client.outbox.discard(clientMsgId)),
    files,
    typing: () => void client.conversations.typing(id.value),
  }
}
