/* A part of the log far from its end, to which somebody jumped: from a quote, a pin, or something found; as reactive values. */
import type { ConversationLog, Entry, LogWindow } from '@sdk'
import { computed, onScopeDispose, ref, shallowRef } from 'vue'

export function useLogWindow() {
  const entries = shallowRef<readonly Entry[] | null>(null)
  const hasOlder = ref(false)
  const hasNewer = ref(false)
  const loading = ref(false)
  const isOpen = computed(() => entries.value !== null)
  let part: LogWindow | null = null
  let stop = () => {}
  let life = 0

  function copy(): void {
    if (part?.closed) return close()
    entries.value = part?.entries ?? null
    hasOlder.value = part?.hasOlder ?? false
    hasNewer.value = part?.hasNewer ?? false
  }

  function close(): void {
    life++
    stop()
    stop = () => {}
    part?.close()
    part = null
    loading.value = false
    copy()
  }

  /* One page at a time; what comes after the window was closed is dropped. */
  async function read(page: () => Promise<unknown>): Promise<void> {
    if (loading.value) return
    const mine = life
    loading.value = true
    try {
      await page()
    } finally {
      if (mine === life) {
        loading.value = false
        copy()
      }
    }
  }

  /* Whether the entry is there to be shown. */
  async function open(log: ConversationLog, seq: number): Promise<boolean> {
    close()
    const mine = life
    await read(async () => {
      const found = await log.around(seq)
      if (mine !== life) return found?.close()
      part = found
      if (found !== null) stop = found.subscribe(copy)
    })
    return mine === life && part !== null
  }

  onScopeDispose(close)
  return {
    entries, isOpen, hasOlder, hasNewer, loading, open, close,
    older: () => read(async () => part?.loadOlder()),
    newer: () => read(async () => part?.loadNewer()),
  }
}
