/* The pinned messages of the open conversation: read when it is opened and whenever the house says that one was pinned or taken away. */
import { isNewer, isPosthouseError, operationOf, systemOf, type Entry, type Pin } from '@sdk'
import { computed, onWatcherCleanup, shallowRef, watch, type Ref } from 'vue'
import { useClient } from '@/stores/client'
import { useHouse } from '@/stores/house'

const CODES = ['entry.pinned', 'entry.unpinned']

export function usePins(id: Ref<string>) {
  const client = useClient()
  const house = useHouse()
  const pins = shallowRef<readonly Pin[]>([])
  const seqs = computed(() => new Set(pins.value.map((pin) => pin.entry.seq)))

  async function load(): Promise<void> {
    const conversationId = id.value
    try {
      const items = await client.conversations.pins(conversationId)
      if (conversationId === id.value) pins.value = items
    } catch (error) {
      // They are an addition; the next change or snapshot asks again.
      if (!isPosthouseError(error)) throw error
    }
  }

  function put(entry: Entry): void {
    pins.value = pins.value
      .map((pin) => (pin.entry.seq === entry.seq ? { ...pin, entry: isNewer(entry, pin.entry) ? entry : pin.entry } : pin))
      .filter((pin) => pin.entry.recalled_at === null)
  }

  function drop(seq: number): void {
    pins.value = pins.value.filter((pin) => pin.entry.seq !== seq)
  }

  function onEntry(entry: Entry): void {
    const result = operationOf(entry)?.entry ?? null
    if (result !== null) put(result)
    if (CODES.includes(systemOf(entry)?.code ?? '')) void load()
  }

  watch(
    id,
    (value) => {
      pins.value = []
      onWatcherCleanup(house.onEntry((entry) => entry.conversation_id === value && onEntry(entry)))
      void load()
    },
    { immediate: true },
  )
  watch(() => house.snapshots, load)

  return { pins, isPinned: (seq: number) => seqs.value.has(seq), put, drop }
}
