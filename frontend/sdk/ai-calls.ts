// Assistants as typed calls: who they are, what they write and what it costs. What is written meanwhile is in replies.ts.
import { bodyOf, every, onceMore, type House } from './call'
import type { RunningReply } from './replies'
import type { AiReply, AiUsage, PageQuery, User } from './types'
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
}

export interface AiClient extends AiCalls {
  /** What is being written in a conversation, in the order in which it began. */
  running(conversationId: string): readonly RunningReply[]
  /** Called with the conversation after each change of what is being written. Returns the way to stop. */
  subscribe(listener: (conversationId: string) => void): () => void
}

/** `took` is told of a reply that a call of mine began or ended. */
export function createAiCalls(house: House, took: (reply: AiReply) => void): AiCalls & { readReply: (id: string, replyId: string, offset: number) => Promise<AiReply> } {
  const assistants = (query: PageQuery = {}) => bodyOf(house.GET('/ai/assistants', { params: { query } }))
  const byReply = (id: string, replyId: string) => ({ id, reply_id: replyId })
  const readReply = (id: string, replyId: string, offset: number) =>
    bodyOf(house.GET('/conversations/{id}/ai/replies/{reply_id}', { params: { path: byReply(id, replyId), query: { offset } } }))

  return {
    assistants: () => every(assistants),
    usage: () => bodyOf(house.GET('/ai/usage')),
    reply: (id, replyId) => readReply(id, replyId, 0),
    readReply,
    async cancel(id, replyId) {
      const params = { path: byReply(id, replyId) }
      await onceMore(() => bodyOf(house.POST('/conversations/{id}/ai/replies/{reply_id}/cancel', { params })))
    },
    async regenerate(id, replyId) {
      const params = { path: byReply(id, replyId), header: { 'Idempotency-Key': uuid() } }
      took(await onceMore(() => bodyOf(house.POST('/conversations/{id}/ai/replies/{reply_id}/regenerate', { params }))))
    },
  }
}
