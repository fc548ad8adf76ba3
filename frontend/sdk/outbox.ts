// Messages on their way: each is kept until the house stored it or refused it for good.
import type { Entry } from './types'

export interface PendingMessage {
  readonly client_msg_id: string
  readonly conversation_id: string
  readonly type: 'text'
  readonly content: { readonly text: string }
  readonly reply_to_seq: number | null
  readonly created_at: number
  /** sending: on its way, also while waiting for the network · failed: refused, see `code` · sent: stored as `entry`, which the log shows in a moment */
  readonly state: 'sending' | 'failed' | 'sent'
  readonly code: string | null
  readonly entry: Entry | null
}

export interface Outbox {
  /** Takes a message and sends it in its turn; the same order per conversation always. */
  send(conversationId: string, message: { text: string; replyToSeq?: number | null }): PendingMessage
  /** The messages of a conversation, in order, that its log does not show yet. */
  pending(conversationId: string): readonly PendingMessage[]
  /** Tries a failed one again, with the same id, at the end of the row. */
  retry(clientMsgId: string): void
  /** Forgets a failed one. */
  discard(clientMsgId: string): void
  /** Called with the conversation whose messages changed. Returns the way to stop. */
  subscribe(listener: (conversationId: string) => void): () => void
}
