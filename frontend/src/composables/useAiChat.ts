/* What assistants and the house's model do in one conversation: stopped, asked again, what it took, and translations. */
import { isPosthouseError, type AiReply, type Conversation, type Entry, type RunningReply } from '@sdk'
import { computed, onScopeDispose, shallowReactive, watch, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useAssistants } from '@/stores/assistants'
import { useClient } from '@/stores/client'
import { useSession } from '@/stores/session'
import type { AiContext, Translation } from './aiContext'
import type { MessageAction } from './chatContext'
import type { Answer, MessageRow } from './messageRows'
import { useErrorText } from './useErrorText'
import { useFeedback } from './useFeedback'
import { useReasonText } from './useReasonText'

export interface AiChatInput {
  id: Ref<string>
  conversation: Ref<Conversation | null>
  entries: Ref<readonly Entry[]>
  rows: Ref<readonly MessageRow[]>
  replies: Ref<readonly RunningReply[]>
  mayWrite: Ref<boolean>
}

export function useAiChat({ id, conversation, entries, rows, replies, mayWrite }: AiChatInput): AiContext {
  const client = useClient()
  const session = useSession()
  const assistants = useAssistants()
  const { locale } = useI18n()
  const { complain } = useFeedback()
  const { errorText } = useErrorText()
  const { reasonText } = useReasonText()

  const details = shallowReactive(new Map<string, AiReply>())
  const wanted = new Set<string>()
  const stopping = shallowReactive(new Set<string>())
  const translations = shallowReactive(new Map<number, Translation>())
  let life = new AbortController()

  const on = computed(() => assistants.on === true)
  const lastAnswer = computed(() => {
    const ended = rows.value.filter(({ answer }) => answer?.state === 'said' || answer?.state === 'failed')
    return ended.at(-1)?.answer?.replyId ?? null
  })

  function isMine(answer: Answer): boolean {
    if (conversation.value?.kind === 'direct') return true
    const asker = entries.value.find(({ seq }) => seq === answer.askSeq)?.sender_id ?? details.get(answer.replyId)?.asker_id
    return asker !== undefined && asker === session.userId
  }

  function mayRegenerate(answer: Answer): boolean {
    const writing = replies.value.some(({ replyToSeq, state }) => replyToSeq === answer.askSeq && state !== 'ended')
    return on.value && mayWrite.value && !writing && isMine(answer)
  }

  async function stop(replyId: string): Promise<void> {
    if (stopping.has(replyId)) return
    stopping.add(replyId)
    try {
      await client.ai.cancel(id.value, replyId)
    } catch (error) {
      stopping.delete(replyId)
      complain(error)
    }
  }

  async function regenerate(replyId: string): Promise<void> {
    try {
      await client.ai.regenerate(id.value, replyId)
    } catch (error) {
      complain(error)
    }
  }

  /* It stands beside an answer: without it nothing is amiss. */
  async function wantDetail(replyId: string): Promise<void> {
    if (wanted.has(replyId) || !on.value) return
    wanted.add(replyId)
    try {
      // The usage says in which currency.
      const [reply] = await Promise.all([client.ai.reply(id.value, replyId), assistants.usage ?? assistants.loadUsage()])
      details.set(replyId, reply)
    } catch (error) {
      wanted.delete(replyId)
      if (!isPosthouseError(error)) throw error
    }
  }

  function translationOf({ seq, body }: MessageRow): Translation | null {
    const found = seq === null ? undefined : translations.get(seq)
    return found !== undefined && body.kind === 'text' && body.text === found.source ? found : null
  }

  async function translate({ seq, body }: MessageRow): Promise<void> {
    if (seq === null || body.kind !== 'text') return
    const { signal } = life
    const put = (state: Translation['state'], text: string) => !signal.aborted && translations.set(seq, { source: body.text, state, text })
    put('loading', '')
    try {
      const help = await client.ai.translate(id.value, seq, locale.value, signal)
      if (help.state === 'done' && help.text) put('done', help.text)
      else put('failed', reasonText(help.reason))
    } catch (error) {
      put('failed', errorText(error))
    }
  }

  function withActions(actions: MessageAction[], row: MessageRow): MessageAction[] {
    if (!on.value || row.seq === null) return actions
    const { answer } = row
    const isAnswer = answer !== null && assistants.isAssistant(row.senderId)
    const mine: [MessageAction, boolean][] = [
      ['original', translationOf(row) !== null],
      ['translate', row.kind === 'text' && translationOf(row) === null],
      ['regenerate', isAnswer && mayRegenerate(answer)],
      ['cost', isAnswer && !details.has(answer.replyId)],
    ]
    const at = actions.indexOf('forward')
    const more = mine.filter(([, allowed]) => allowed).map(([action]) => action)
    return at < 0 ? [...actions, ...more] : [...actions.slice(0, at), ...more, ...actions.slice(at)]
  }

  function act(action: MessageAction, row: MessageRow): boolean {
    const replyId = row.answer?.replyId ?? ''
    if (action === 'translate') void translate(row)
    else if (action === 'original') translations.delete(row.seq ?? 0)
    else if (action === 'regenerate') void regenerate(replyId)
    else if (action === 'cost') void wantDetail(replyId)
    else return false
    return true
  }

  function reset(): void {
    life.abort()
    life = new AbortController()
    for (const kept of [details, wanted, stopping, translations]) kept.clear()
  }

  watch(id, reset)
  onScopeDispose(() => life.abort())

  return {
    on, isAssistant: assistants.isAssistant, lastAnswer, mayRegenerate, translationOf, withActions, act,
    mayStop: (answer) => (answer.state === 'waiting' || answer.state === 'writing') && isMine(answer),
    isStopping: (replyId) => stopping.has(replyId),
    stop: (replyId) => void stop(replyId),
    regenerate: (replyId) => void regenerate(replyId),
    detailOf: (replyId) => details.get(replyId) ?? null,
    wantDetail: (replyId) => void wantDetail(replyId),
  }
}
