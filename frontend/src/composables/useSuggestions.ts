/* Replies to choose from, to what was said last in a conversation. They are gone when something else is said. */
import type { Entry } from '@sdk'
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { useClient } from '@/stores/client'
import { useSession } from '@/stores/session'
import { useErrorText } from './useErrorText'
import { useReasonText } from './useReasonText'

export interface SuggestionsInput {
  id: Ref<string>
  entries: Ref<readonly Entry[]>
  /* There is a model, and I may write here. */
  possible: Ref<boolean>
  isAssistant: (userId: string | null) => boolean
}

export function useSuggestions({ id, entries, possible, isAssistant }: SuggestionsInput) {
  const client = useClient()
  const session = useSession()
  const { errorText } = useErrorText()
  const { reasonText } = useReasonText()

  const state = ref<'none' | 'loading' | 'shown' | 'failed'>('none')
  const items = shallowRef<readonly string[]>([])
  const failure = ref('')
  let life = new AbortController()

  const last = computed(() => entries.value.filter(({ type }) => type !== 'system').at(-1) ?? null)
  /* Somebody said something in words, and waits for mine. */
  const fits = computed(() => {
    const entry = last.value
    if (!possible.value || entry === null || entry.recalled_at !== null) return false
    return entry.type === 'text' && entry.sender_id !== session.userId && !isAssistant(entry.sender_id)
  })

  function close(): void {
    life.abort()
    life = new AbortController()
    state.value = 'none'
    items.value = []
  }

  async function ask(): Promise<void> {
    close()
    const { signal } = life
    state.value = 'loading'
    try {
      const help = await client.ai.suggestions(id.value, signal)
      if (signal.aborted) return
      items.value = help.suggestions
      state.value = help.state === 'done' && help.suggestions.length > 0 ? 'shown' : 'failed'
      failure.value = reasonText(help.reason ?? 'empty')
    } catch (error) {
      if (signal.aborted) return
      state.value = 'failed'
      failure.value = errorText(error)
    }
  }

  watch([id, () => last.value?.seq], close)
  onScopeDispose(() => life.abort())
  return { state, items, failure, fits, ask, close }
}
