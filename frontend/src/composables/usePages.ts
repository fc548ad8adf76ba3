/* A list that is read page by page: the first one anew when asked, more at its end. A late answer to an older question is dropped. */
import type { Page, PageQuery } from '@sdk'
import { ref, shallowRef } from 'vue'

export function usePages<T, P extends Page<T> = Page<T>>(read: (query: PageQuery) => Promise<P>) {
  const items = shallowRef<readonly T[] | null>(null)
  const last = shallowRef<P | null>(null)
  const error = shallowRef<unknown>(null)
  const loading = ref(false)
  const hasMore = ref(false)
  let life = 0

  async function load(cursor: string | null): Promise<void> {
    const mine = ++life
    loading.value = true
    error.value = null
    try {
      const page = await read(cursor === null ? {} : { cursor })
      if (mine !== life) return
      items.value = cursor === null ? page.items : [...(items.value ?? []), ...page.items]
      last.value = page
      hasMore.value = page.next_cursor !== null
    } catch (caught) {
      if (mine === life) error.value = caught
    } finally {
      if (mine === life) loading.value = false
    }
  }

  function clear(): void {
    life++
    items.value = null
    last.value = null
    error.value = null
    loading.value = false
    hasMore.value = false
  }

  return {
    items, last, error, loading, hasMore, clear,
    first: () => load(null),
    more: async () => {
      if (hasMore.value && !loading.value) await load(last.value?.next_cursor ?? null)
    },
  }
}
