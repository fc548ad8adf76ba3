// Messages and what is done to them, pins, history and search, as typed calls.
import { bodyOf, done, every, onceMore, type House } from './call'
import type { Client } from './client'
import type { Entry, PageQuery } from './types'
import { uuid } from './uuid'

type Calls = Pick<Client, 'messages' | 'history'> & Pick<Client['conversations'], 'pins' | 'pin' | 'unpin'>

/** What a call of mine did, told before its answer is. */
export interface Told {
  /** An entry as it is now. */
  changed: (entry: Entry) => void
  hidden: (conversationId: string, seq: number) => void
  /** Said by a forward: no event tells this session of it. */
  said: (entry: Entry) => void
}

export function createMessageCalls(house: House, told: Told): Calls {
  const byId = (id: string) => ({ params: { path: { id } } })
  const bySeq = (id: string, seq: number) => ({ params: { path: { id, seq } } })
  const byEmoji = (id: string, seq: number, emoji: string) => ({ params: { path: { id, seq, emoji } } })
  const pins = (id: string, query: PageQuery) => bodyOf(house.GET('/conversations/{id}/pins', { params: { path: { id }, query } }))

  async function changing(call: () => Promise<Entry>): Promise<Entry> {
    const entry = await onceMore(call)
    told.changed(entry)
    return entry
  }

  return {
    messages: {
      send: (id, message) => bodyOf(house.POST('/conversations/{id}/messages', { ...byId(id), body: message })),
      edit: (id, seq, text) =>
        changing(() => bodyOf(house.PATCH('/conversations/{id}/messages/{seq}', { ...bySeq(id, seq), body: { content: { text } } }))),
      recall: (id, seq) => onceMore(() => done(house.DELETE('/conversations/{id}/messages/{seq}', bySeq(id, seq)))),
      async hide(id, seq) {
        const params = { path: { id, seq }, query: { for: 'me' } } as const
        await onceMore(() => done(house.DELETE('/conversations/{id}/messages/{seq}', { params })))
        told.hidden(id, seq)
      },
      react: (id, seq, emoji) =>
        changing(() => bodyOf(house.PUT('/conversations/{id}/messages/{seq}/reactions/{emoji}', byEmoji(id, seq, emoji)))),
      unreact: (id, seq, emoji) =>
        changing(() => bodyOf(house.DELETE('/conversations/{id}/messages/{seq}/reactions/{emoji}', byEmoji(id, seq, emoji)))),
      reactions: (id, seq, query = {}) =>
        bodyOf(house.GET('/conversations/{id}/messages/{seq}/reactions', { params: { path: { id, seq }, query } })),
      readers: (id, seq, query = {}) =>
        bodyOf(house.GET('/conversations/{id}/messages/{seq}/readers', { params: { path: { id, seq }, query } })),
      async forward(id, { from, seqs, mode }) {
        const body = { from_conversation_id: from, seqs, mode, client_msg_id: uuid() }
        const { items } = await onceMore(() => bodyOf(house.POST('/conversations/{id}/forward', { ...byId(id), body })))
        items.forEach(told.said)
        return items
      },
    },
    history: {
      page: (id, query = {}) => bodyOf(house.GET('/conversations/{id}/messages', { params: { path: { id }, query } })),
      search: (query) => bodyOf(house.GET('/search/messages', { params: { query } })),
    },
    pins: (id) => every((query) => pins(id, query)),
    pin: (id, seq) => done(house.PUT('/conversations/{id}/pins/{seq}', bySeq(id, seq))),
    unpin: (id, seq) => done(house.DELETE('/conversations/{id}/pins/{seq}', bySeq(id, seq))),
  }
}
