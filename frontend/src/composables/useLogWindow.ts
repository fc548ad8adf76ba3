/* A part of the log far from its end, to which somebody jumped: from a quote, a pin, or something found. It grows in both
   directions as one scrolls, and follows what is done to its entries; the SDK's log goes on beside it, untouched. */
import { isNewer, operationOf, type Entry, type MessageList } from '@sdk'
import { computed, ref, shallowRef, type Ref } from 'vue'
import { useClient } from '@/stores/client'

const PAGE = 50
type Item = MessageList['items'][number]

function shown(items: readonly Item[]): Entry[] {
  return items
    .filter((item): item is Entry => item.type !== 'hidden')
    .filter((entry) => operationOf(entry) === null)
    .sort((a, b) => a.seq - b.seq)
}

export function newerOf(known: Entry, other: Entry): Entry {
  return isNewer(other, known) ? other : known
}

export function useLogWindow(id: Ref<string>) {
  const client = useClient()
  const entries = shallowRef<readonly Entry[] | null>(null)
  const range = ref<[number, number]>([1, 0])
  const hasOlder = ref(false)
  const hasNewer = ref(false)
  const loading = ref(false)
  const isOpen = computed(() => entries.value !== null)
  let life = 0

  /* One page at a time; what comes after the window was closed is dropped. */
  async function read(query: { before_seq?: number; around_seq?: number; after_seq?: number }, take: (page: MessageList) => void): Promise<void> {
    if (loading.value) return
    const mine = life
    loading.value = true
    try {
      const page = await client.history.page(id.value, { ...query, limit: PAGE })
      if (mine === life) take(page)
    } finally {
      if (mine === life) loading.value = false
    }
  }

  /* Whether the entry is there to be shown. */
  async function open(seq: number): Promise<boolean> {
    close()
    let found = false
    await read({ around_seq: seq }, (page) => {
      const items = shown(page.items)
      found = items.some((entry) => entry.seq === seq)
      const [low, high] = page.covers ?? []
      if (!found || low === undefined || high === undefined) return
      entries.value = items
      range.value = [low, high]
      hasOlder.value = low > 1
      hasNewer.value = high < page.last_seq
    })
    return found
  }

  async function older(): Promise<void> {
    const before = range.value[0]
    if (!hasOlder.value) return
    await read({ before_seq: before }, (page) => {
      const low = page.covers?.[0] ?? before
      entries.value = [...shown(page.items).filter((entry) => entry.seq < before), ...(entries.value ?? [])]
      range.value = [Math.min(low, before), range.value[1]]
      hasOlder.value = low < before && low > 1
    })
  }

  async function newer(): Promise<void> {
    const after = range.value[1]
    if (!hasNewer.value) return
    await read({ after_seq: after }, (page) => {
      const high = page.covers?.[1] ?? after
      entries.value = [...(entries.value ?? []), ...shown(page.items).filter((entry) => entry.seq > after)]
      range.value = [range.value[0], Math.max(high, after)]
      hasNewer.value = high > after && high < page.last_seq
    })
  }

  function put(entry: Entry): void {
    entries.value = entries.value?.map((known) => (known.seq === entry.seq ? newerOf(known, entry) : known)) ?? null
  }

  /* Something was said or done in the conversation. */
  function apply(entry: Entry): void {
    if (entries.value === null) return
    const result = operationOf(entry)?.entry ?? null
    if (result !== null) put(result)
    if (hasNewer.value || entry.seq <= range.value[1]) return
    if (entry.seq > range.value[1] + 1) hasNewer.value = true
    else {
      range.value = [range.value[0], entry.seq]
      if (operationOf(entry) === null) entries.value = [...(entries.value ?? []), entry]
    }
  }

  function hide(seq: number): void {
    entries.value = entries.value?.filter((entry) => entry.seq !== seq) ?? null
  }

  function close(): void {
    life++
    entries.value = null
    loading.value = false
    hasOlder.value = false
    hasNewer.value = false
  }

  return { entries, isOpen, hasOlder, hasNewer, loading, open, older, newer, apply, put, hide, close }
}
