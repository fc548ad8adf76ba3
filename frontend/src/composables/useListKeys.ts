/* Arrow keys, Home and End move the focus over the rows of a list that draws only a part of them. Rows carry data-index. */
import { nextTick, type Ref } from 'vue'

interface Scrolls {
  scrollToIndex(index: number, options: { align: 'nearest' }): void
}

export function useListKeys(root: Ref<HTMLElement | null>, count: () => number, list: Ref<Scrolls | null>) {
  async function focusRow(index: number): Promise<void> {
    if (index < 0 || index >= count()) return
    list.value?.scrollToIndex(index, { align: 'nearest' })
    await nextTick()
    requestAnimationFrame(() => root.value?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus())
  }

  function onKeydown(event: KeyboardEvent): void {
    const row = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('[data-index]') : null
    const present = row === null ? -1 : Number(row.dataset['index'])
    const target = { ArrowDown: present + 1, ArrowUp: present - 1, Home: 0, End: count() - 1 }[event.key]
    if (target === undefined || (row === null && event.key !== 'ArrowDown')) return
    event.preventDefault()
    void focusRow(target)
  }

  return { onKeydown, focusRow }
}
