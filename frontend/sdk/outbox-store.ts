// Unsent messages in the storage: one key each, by person, so that tabs do not overwrite each other's.
import type { PendingMessage } from './outbox'
import type { Storage } from './storage'

export class OutboxStore {
  constructor(private readonly storage: Storage) {}

  /** In the order in which they were written. */
  load(userId: string): PendingMessage[] {
    return this.storage
      .keys(prefixOf(userId))
      .map((key) => parse(this.storage.get(key)))
      .filter((message) => message !== null)
      .sort((a, b) => a.created_at - b.created_at)
  }

  save(userId: string, message: PendingMessage): void {
    this.storage.set(prefixOf(userId) + message.client_msg_id, JSON.stringify(message))
  }

  drop(userId: string, clientMsgId: string): void {
    this.storage.remove(prefixOf(userId) + clientMsgId)
  }

  clear(userId: string): void {
    for (const key of this.storage.keys(prefixOf(userId))) this.storage.remove(key)
  }
}

function prefixOf(userId: string): string {
  return `posthouse.outbox.${userId}.`
}

function parse(text: string | null): PendingMessage | null {
  try {
    const value = JSON.parse(text ?? 'null') as Partial<PendingMessage> | null
    const whole =
      value !== null &&
      typeof value === 'object' &&
      typeof value.client_msg_id === 'string' &&
      typeof value.conversation_id === 'string' &&
      typeof value.created_at === 'number' &&
      typeof value.type === 'string' &&
      typeof value.content === 'object' &&
      value.content !== null &&
      (value.state === 'sending' || value.state === 'failed')
    // One that an older version wrote mentions nobody.
    return whole ? { ...(value as PendingMessage), mentions: value.mentions ?? [] } : null
  } catch {
    return null
  }
}
