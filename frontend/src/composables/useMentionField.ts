/* Completion of mentions in a text field: what is typed behind an "@" finds people by name, nickname and pinyin; the keys choose.
   It remembers who was picked, since a text holds names only. */
import { computed, nextTick, ref, shallowRef, type Ref } from 'vue'
import { mentionAt, mentionedIn, putMention, type Mentionable, type MentionQuery } from './mentions'
import { loadPinyin, matchesName } from './pinyin'

export interface Candidate extends Mentionable {
  /* As the reader knows this person. */
  label: string
  /* What else finds this person. */
  also: readonly string[]
}

const MOST = 8
const MOST_MENTIONS = 50

export function useMentionField(field: Ref<HTMLTextAreaElement | null>, text: Ref<string>, candidates: () => readonly Candidate[]) {
  const at = shallowRef<MentionQuery | null>(null)
  const chosen = ref(0)
  const picked = shallowRef<readonly Mentionable[]>([])

  const hits = computed(() => {
    const query = at.value?.query
    if (query === undefined) return []
    return candidates().filter((one) => matchesName(query, [one.label, one.name, ...one.also])).slice(0, MOST)
  })
  const open = computed(() => hits.value.length > 0)

  function look(): void {
    const caret = field.value?.selectionStart ?? text.value.length
    const found = candidates().length > 0 ? mentionAt(text.value, caret) : null
    if (found !== null && at.value === null) void loadPinyin().catch(() => undefined)
    if (found?.query !== at.value?.query || found?.from !== at.value?.from) chosen.value = 0
    at.value = found
  }

  function close(): void {
    at.value = null
  }

  async function pick(candidate: Mentionable): Promise<void> {
    const area = field.value
    if (at.value === null || area === null) return
    const put = putMention(text.value, area.selectionStart, at.value, candidate.name)
    picked.value = [...picked.value, { id: candidate.id, name: candidate.name }]
    text.value = put.text
    close()
    await nextTick()
    area.focus()
    area.setSelectionRange(put.caret, put.caret)
  }

  /* Whether the key was for the list. */
  function onKeydown(event: KeyboardEvent): boolean {
    if (!open.value || event.isComposing) return false
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    const hit = hits.value[chosen.value]
    if (by !== undefined) chosen.value = (chosen.value + by + hits.value.length) % hits.value.length
    else if ((event.key === 'Enter' || event.key === 'Tab') && hit !== undefined) void pick(hit)
    else if (event.key === 'Escape') close()
    else return false
    event.preventDefault()
    event.stopPropagation()
    return true
  }

  /* Whom the text mentions; then begins anew. */
  function take(value: string): string[] {
    const names = new Set(picked.value.map(({ name }) => name))
    // A name that was typed in full, or came back with a draft, counts as well.
    const typed = candidates().filter(({ name }) => !names.has(name))
    const ids = mentionedIn(value, [...picked.value, ...typed])
    picked.value = []
    close()
    return ids.slice(0, MOST_MENTIONS)
  }

  return { open, hits, chosen, look, close, pick, onKeydown, take }
}
