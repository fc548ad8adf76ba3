/* What replies quote: from what is shown if it is there, else read once from the log. */
import { isNewer, isPosthouseError, type Entry } from '@sdk'
import { computed, shallowReactive, watch, type Ref } from 'vue'
import { useClient } from '@/stores/client'
import type { Quote } from './chatContext'
import { useNames } from './useNames'

export function useQuotes(id: Ref<string>, entries: Ref<readonly Entry[]>) {
  const client = useClient()
  const { summaryOf } = useNames()
  const shown = computed(() => new Map(entries.value.map((entry) => [entry.seq, entry])))
  /* null: it is not there for this reader. */
  const read = shallowReactive(new Map<number, Entry | null>())
  const reading = new Set<number>()

  async function fetch(seq: number): Promise<void> {
    const conversationId = id.value
    reading.add(seq)
    try {
      const page = await client.history.page(conversationId, { around_seq: seq, limit: 1 })
      const found = page.items.find((item): item is Entry => item.seq === seq && item.type !== 'hidden')
      if (conversationId === id.value) read.set(seq, found ?? null)
    } catch (error) {
      if (!isPosthouseError(error)) throw error
      if (!error.retryable && conversationId === id.value) read.set(seq, null)
    } finally {
      reading.delete(seq)
    }
  }

  function quoteOf(seq: number): Quote {
    const entry = shown.value.get(seq) ?? read.get(seq)
    if (entry === null) return { state: 'gone' }
    if (entry !== undefined) return entry.recalled_at !== null ? { state: 'gone' } : { state: 'there', senderId: entry.sender_id, text: summaryOf(entry) }
    if (!reading.has(seq)) void fetch(seq)
    return { state: 'loading' }
  }

  /* What was done to a quoted message that is not shown itself. */
  function put(entry: Entry): void {
    const known = read.get(entry.seq)
    if (known != null && isNewer(entry, known)) read.set(entry.seq, entry)
  }

  watch(id, () => read.clear())
  return { quoteOf, put }
}
