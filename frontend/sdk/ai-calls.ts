// Assistants as typed calls: who they are, what they write, what they do for me alone, and what it costs. What is being written is
// in replies.ts.
import { bodyOf, every, onceMore, type House } from './call'
import { settled, type HelpParts } from './helps'
import type { RunningReply } from './replies'
import type { AiHelp, AiReply, AiUsage, PageQuery, User } from './types'
import { uuid } from './uuid'

export interface AiCalls {
  /** Those that I may use; `ai_off` where none is configured. */
  assistants(): Promise<User[]>
  usage(): Promise<AiUsage>
  reply(conversationId: string, replyId: string): Promise<AiReply>
  /** It ends soon, with what it has said. Only for who asked. */
  cancel(conversationId: string, replyId: string): Promise<void>
  /** Another reply to the same entry. Only for who asked. */
  regenerate(conversationId: string, replyId: string): Promise<void>
  /**
   * What was said after an entry, in points. This and the next two are for me alone, and are given at their end: look at `state`.
   * `not_found`: there is nothing, or it was changed meanwhile.
   */
  summary(conversationId: string, afterSeq: number, language: string, signal?: AbortSignal): Promise<AiHelp>
  translate(conversationId: string, seq: number, language: string, signal?: AbortSignal): Promise<AiHelp>
  /** Up to three short replies to what was said last. */
  suggestions(conversationId: string, signal?: AbortSignal): Promise<AiHelp>
}

export interface AiClient extends AiCalls {
  /** What is being written in a conversation, in the order in which it began. */
  running(conversationId: string): readonly RunningReply[]
  /** Called with the conversation after each change of what is being written. Returns the way to stop. */
  subscribe(listener: (conversationId: string) => void): () => void
}

export interface AiParts extends Omit<HelpParts, 'look'> {
  /** Told of a reply that a call of mine began. */
  took: (reply: AiReply) => void
}

const REPLY = '/conversations/{id}/ai/replies/{reply_id}'

export function createAiCalls(house: House, parts: AiParts) {
  const assistants = (query: PageQuery = {}) => bodyOf(house.GET('/ai/assistants', { params: { query } }))
  const byReply = (id: string, replyId: string) => ({ id, reply_id: replyId })
  const readReply = (id: string, replyId: string, offset: number): Promise<AiReply> =>
    bodyOf(house.GET(REPLY, { params: { path: byReply(id, replyId), query: { offset } } }))
  const look = (helpId: string): Promise<AiHelp> => bodyOf(house.GET('/ai/helps/{help_id}', { params: { path: { help_id: helpId } } }))
  // Who asks the same again is given the same: a lost answer costs nothing.
  const help = async (ask: () => Promise<AiHelp>, signal?: AbortSignal) => settled(await onceMore(ask), { ...parts, look }, signal)

  const calls: AiCalls = {
    assistants: () => every(assistants),
    usage: () => bodyOf(house.GET('/ai/usage')),
    reply: (id, replyId) => readReply(id, replyId, 0),
    async cancel(id, replyId) {
      await onceMore(() => bodyOf(house.POST(`${REPLY}/cancel`, { params: { path: byReply(id, replyId) } })))
    },
    async regenerate(id, replyId) {
      const params = { path: byReply(id, replyId), header: { 'Idempotency-Key': uuid() } }
      parts.took(await onceMore(() => bodyOf(house.POST(`${REPLY}/regenerate`, { params }))))
    },
    summary(id, afterSeq, language, signal) {
      const body = { conversation_id: id, after_seq: afterSeq, target_language: language }
      return help(() => bodyOf(house.POST('/ai/summary', { body })), signal)
    },
    translate(id, seq, language, signal) {
      const body = { conversation_id: id, seq, target_language: language }
      return help(() => bodyOf(house.POST('/ai/translate', { body })), signal)
    },
    suggestions: (id, signal) => help(() => bodyOf(house.POST('/ai/suggestions', { body: { conversation_id: id } })), signal),
  }
  return { calls, readReply }
}
