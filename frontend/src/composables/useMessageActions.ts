/* What is done to messages of one conversation, from the menu, the keys and the bar of a selection. It asks where something is
   lost, tells what failed, and keeps what is being replied to, edited, chosen or looked at. */
import type { Entry } from '@sdk'
import { computed, ref, shallowRef, watch, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useClient } from '@/stores/client'
import type { MessageAction } from './chatContext'
import { copyText } from './copyText'
import type { MessageRow } from './messageRows'
import { useFeedback } from './useFeedback'

export interface MessageActionsInput {
  /* The entry as it is now: the answer is here before its event. */
  changed: (entry: Entry) => void
  hidden: (seq: number) => void
}

export function useMessageActions(id: Ref<string>, { changed, hidden }: MessageActionsInput) {
  const client = useClient()
  const { t } = useI18n()
  const { note, complain, confirm, run } = useFeedback()

  const replying = shallowRef<MessageRow | null>(null)
  const editing = shallowRef<MessageRow | null>(null)
  const selected = shallowRef<ReadonlySet<number> | null>(null)
  const forwarding = shallowRef<readonly number[] | null>(null)
  const readersOf = ref<number | null>(null)
  const reactionsOf = ref<number | null>(null)

  async function copy(row: MessageRow): Promise<void> {
    if (row.body.kind !== 'text') return
    try {
      await copyText(row.body.text)
      note(t('message.copied'))
    } catch (error) {
      complain(error)
    }
  }

  async function recall(seq: number): Promise<void> {
    if (!(await confirm(t('message.recallTitle'), t('message.recallText'), t('message.recall')))) return
    await run(() => client.messages.recall(id.value, seq))
  }

  async function hide(seq: number): Promise<void> {
    if (!(await confirm(t('message.hideTitle'), t('message.hideText'), t('message.hide')))) return
    if (await run(() => client.messages.hide(id.value, seq))) hidden(seq)
  }

  async function react(row: MessageRow, emoji: string, mine: boolean): Promise<void> {
    const { seq } = row
    if (seq === null) return
    try {
      changed(await (mine ? client.messages.unreact(id.value, seq, emoji) : client.messages.react(id.value, seq, emoji)))
    } catch (error) {
      complain(error)
    }
  }

  async function saveEdit(text: string): Promise<boolean> {
    const seq = editing.value?.seq
    if (seq == null) return false
    const saved = await run(async () => changed(await client.messages.edit(id.value, seq, text)))
    if (saved) editing.value = null
    return saved
  }

  function toggleSelected({ seq }: MessageRow): void {
    if (seq === null || selected.value === null) return
    const next = new Set(selected.value)
    if (!next.delete(seq)) next.add(seq)
    selected.value = next
  }

  function act(action: MessageAction, row: MessageRow): void {
    const { seq } = row
    if (seq === null) return
    switch (action) {
      case 'reply':
        editing.value = null
        return void (replying.value = row)
      case 'edit':
        replying.value = null
        return void (editing.value = row)
      case 'copy':
        return void copy(row)
      case 'forward':
        return void (forwarding.value = [seq])
      case 'select':
        return void (selected.value = new Set([seq]))
      case 'pin':
        return void run(() => client.conversations.pin(id.value, seq))
      case 'unpin':
        return void run(() => client.conversations.unpin(id.value, seq))
      case 'readers':
        return void (readersOf.value = seq)
      case 'recall':
        return void recall(seq)
      case 'hide':
        return void hide(seq)
    }
  }

  function forwardSelected(): void {
    if (selected.value !== null && selected.value.size > 0) forwarding.value = [...selected.value].sort((a, b) => a - b)
  }

  function reset(): void {
    replying.value = null
    editing.value = null
    selected.value = null
    forwarding.value = null
    readersOf.value = null
    reactionsOf.value = null
  }

  watch(id, reset)
  const selecting = computed(() => selected.value !== null)
  return { replying, editing, selected, selecting, forwarding, readersOf, reactionsOf, act, react, saveEdit, toggleSelected, forwardSelected }
}
