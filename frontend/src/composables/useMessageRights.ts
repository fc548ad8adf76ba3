/* What I may do with a message, from its state, my role and the house's rules. The house decides in the end; this only keeps the
   menu free of what it would refuse. */
import type { Conversation } from '@sdk'
import type { Ref } from 'vue'
import { useServer } from '@/stores/server'
import type { MessageAction } from './chatContext'
import type { MessageRow } from './messageRows'

const FORWARDABLE = new Set<MessageRow['kind']>(['text', 'location', 'card', 'merged', 'custom', 'unknown', 'image', 'file', 'voice', 'video'])
const LEAD_MS = 3_000

export function useMessageRights(conversation: Ref<Conversation | null>, mayWrite: Ref<boolean>, isPinned: (seq: number) => boolean) {
  const server = useServer()

  function manages(): boolean {
    const role = conversation.value?.group?.my_role
    return role === 'owner' || role === 'admin'
  }

  /* A moment before the house would refuse. */
  function recallable(row: MessageRow, now: number): boolean {
    const inGroup = conversation.value?.kind === 'group'
    const seconds = server.info?.limits.recall_seconds ?? 0
    return (inGroup && manages()) || (row.mine && mayWrite.value && now - row.at < seconds * 1000 - LEAD_MS)
  }

  function actionsFor(row: MessageRow, now = Date.now()): MessageAction[] {
    const { seq } = row
    if (seq === null || row.kind === 'system' || row.kind === 'recalled') return []
    const inGroup = conversation.value?.kind === 'group'
    const mayPin = mayWrite.value && (!inGroup || manages())
    const actions: [MessageAction, boolean][] = [
      ['reply', mayWrite.value],
      ['edit', row.mine && row.kind === 'text' && mayWrite.value],
      ['copy', row.kind === 'text'],
      ['forward', FORWARDABLE.has(row.kind)],
      ['select', true],
      ['unpin', mayPin && isPinned(seq)],
      ['pin', mayPin && !isPinned(seq)],
      ['readers', inGroup && row.mine],
      ['recall', recallable(row, now)],
      ['hide', true],
    ]
    return actions.filter(([, allowed]) => allowed).map(([action]) => action)
  }

  return { actionsFor }
}
