/* From the entries and the unsent messages of a conversation to what is drawn: one row each, that knows its day line,
   its place in a group by the same sender, and its state. Pure, so that the list only draws. */
import { systemOf, textOf, type Entry, type PendingMessage } from '@sdk'

export type MessageState = 'none' | 'sending' | 'failed' | 'sent' | 'read'

export interface MessageRow {
  /* Stays the same when an unsent message becomes an entry, so that its bubble does not blink. */
  key: string
  seq: number | null
  kind: 'text' | 'system' | 'recalled' | 'unknown'
  text: string
  systemCode: string
  at: number
  edited: boolean
  mine: boolean
  state: MessageState
  failCode: string | null
  clientMsgId: string | null
  /* Set where a new day begins. */
  dayAt: number | null
  startsNew: boolean
  groupStart: boolean
  groupEnd: boolean
}

export interface RowsInput {
  entries: readonly Entry[]
  pending: readonly PendingMessage[]
  myId: string
  /* Ticks make no sense in a notebook. */
  withTicks: boolean
  peerReadSeq: number
  /* The first entry that was unread when the conversation was opened, or null. */
  newFromSeq: number | null
}

const GROUP_MS = 5 * 60_000

function rowOfEntry(entry: Entry, input: RowsInput): MessageRow {
  const mine = entry.sender_id === input.myId
  const text = textOf(entry)
  const ticks = mine && input.withTicks && entry.type !== 'system'
  const kind =
    entry.type === 'system' ? 'system'
    : entry.recalled_at !== null ? 'recalled'
    : entry.type === 'text' && text !== null ? 'text'
    : 'unknown'

  return {
    key: entry.client_msg_id === null ? `s${entry.seq}` : `${entry.sender_id ?? ''}:${entry.client_msg_id}`,
    seq: entry.seq,
    kind,
    text: kind === 'text' ? (text ?? '') : entry.summary,
    systemCode: systemOf(entry)?.code ?? '',
    at: entry.created_at,
    edited: entry.edited_at !== null,
    mine,
    state: !ticks ? 'none' : entry.seq <= input.peerReadSeq ? 'read' : 'sent',
    failCode: null,
    clientMsgId: entry.client_msg_id,
    dayAt: null,
    startsNew: entry.seq === input.newFromSeq,
    groupStart: true,
    groupEnd: true,
  }
}

function rowOfPending(pending: PendingMessage, input: RowsInput): MessageRow {
  return {
    key: `${input.myId}:${pending.client_msg_id}`,
    seq: null,
    kind: 'text',
    text: pending.content.text,
    systemCode: '',
    at: pending.created_at,
    edited: false,
    mine: true,
    state: pending.state === 'sent' && !input.withTicks ? 'none' : pending.state,
    failCode: pending.code,
    clientMsgId: pending.client_msg_id,
    dayAt: null,
    startsNew: false,
    groupStart: true,
    groupEnd: true,
  }
}

function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString()
}

function belongTogether(upper: MessageRow, lower: MessageRow): boolean {
  const spoken = upper.kind !== 'system' && lower.kind !== 'system'
  return spoken && upper.mine === lower.mine && lower.at - upper.at < GROUP_MS && lower.dayAt === null && !lower.startsNew
}

export function messageRows(input: RowsInput): MessageRow[] {
  const sent = new Set(input.entries.filter((entry) => entry.sender_id === input.myId).map((entry) => entry.client_msg_id))
  const rows = [
    ...input.entries.map((entry) => rowOfEntry(entry, input)),
    ...input.pending.filter((pending) => !sent.has(pending.client_msg_id)).map((pending) => rowOfPending(pending, input)),
  ]

  rows.forEach((row, i) => {
    const above = rows[i - 1]
    if (above === undefined || !sameDay(above.at, row.at)) row.dayAt = row.at
    if (above !== undefined && belongTogether(above, row)) {
      row.groupStart = false
      above.groupEnd = false
    }
  })
  return rows
}
