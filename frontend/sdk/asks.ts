// What a poll asks beside its news: more of the replies that grow, each from the place up to which its words are known here. Words
// that were told count as known even if nobody has taken them yet; else a page that takes its time had each poll answered at once.
import type { PollAnswer } from './types'

/** The house takes so many in one poll. */
const MOST = 8

export interface GrowingReply {
  id: string
  /** How many of its characters are known. */
  length: number
}

export class Asks {
  private readonly told = new Map<string, number>()
  /** Whether the last answer had words, which nobody may have taken yet. */
  private grew = false

  constructor(private readonly growing: () => readonly GrowingReply[]) {}

  /** `<id>:<offset>`, those that began last. */
  list(): string[] {
    return this.growing()
      .slice(-MOST)
      .map(({ id, length }) => `${id}:${Math.max(length, this.told.get(id) ?? 0)}`)
  }

  /** Whether there is something to ask for soon. */
  get grows(): boolean {
    return this.grew || this.growing().length > 0
  }

  hear({ events }: PollAnswer): void {
    this.grew = events.some(({ type }) => type === 'ai.delta')
    for (const event of events) {
      if (event.type === 'ai.finished') this.told.delete(event.reply_id)
      if (event.type !== 'ai.delta') continue
      const end = event.offset + Array.from(event.text).length
      this.told.set(event.reply_id, Math.max(end, this.told.get(event.reply_id) ?? 0))
    }
  }
}
