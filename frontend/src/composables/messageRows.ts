/* From the entries and the unsent messages of a conversation to what is drawn: one row each, that knows its day line,
   its place in a group by the same sender, and its state. Pure, so that the list only draws. */
import { replyIdOf, systemOf, type Entry, type Parcel, type PendingMessage, type RunningReply } from '@sdk'
import { bodyOf, bodyOfParcel, type MessageBody } from './messageBody'

export type MessageState = 'none' | 'sending' | 'failed' | 'sent' | 'read'

/* What an assistant says, or why it says nothing. */
export interface Answer {
  replyId: string
  /* The entry that asks. */
  askSeq: number | null
  state: RunningReply['state'] | 'said' | 'failed'
  /* Of one that failed; one of the words of the house. */
  reason: string
}

export interface MessageRow {
  /* Stays the same when an unsent message becomes an entry, so that its bubble does not blink. */
  key: string
  seq: number | null
  kind: MessageBody['kind'] | 'system' | 'recalled'
  body: MessageBody
  system: { code: string; params: Record<string, unknown> }
  senderId: string | null
  replyToSeq: number | null
  mentions: readonly string[]
  reactions: Entry['reactions']
  at: number
  edited: boolean
  mine: boolean
  state: MessageState
  failCode: string | null
  clientMsgId: string | null
  answer: Answer | null
  /* Set where a new day begins. */
  dayAt: number | null
  startsNew: boolean
  groupStart: boolean
  groupEnd: boolean
  /* Of a file that is on its way. */
  parcel: Parcel | null
  /* Pictures that stand together; this row is the first of them. */
  album: readonly MessageRow[] | null
}

export interface RowsInput {
  entries: readonly Entry[]
  pending: readonly PendingMessage[]
  /* What assistants are writing. */
  replies?: readonly RunningReply[]
  /* Files on their way; those that have become messages are among `pending` as well. */
  parcels?: readonly Parcel[]
  myId: string
  /* Ticks make no sense in a notebook. */
  withTicks: boolean
  peerReadSeq: number
  /* The first entry that was unread when the conversation was opened, or null. */
  newFromSeq: number | null
}

const GROUP_MS = 5 * 60_000
const NO_SYSTEM = { code: '', params: {} }

/* Anybody can send an id that looks like that of an answer; what makes it one is who said it, which the views ask. */
function answerOf(entry: Entry): Answer | null {
  const replyId = entry.recalled_at === null ? replyIdOf(entry) : null
  if (replyId === null) return null
  const reason = systemOf(entry)?.params['reason']
  return { replyId, askSeq: entry.reply_to_seq, state: entry.type === 'system' ? 'failed' : 'said', reason: typeof reason === 'string' ? reason : '' }
}

/* The id of the assistant stands in what the house says of it. */
function senderOf(entry: Entry, answer: Answer | null): string | null {
  const id = answer?.state === 'failed' ? systemOf(entry)?.params['assistant_id'] : null
  return typeof id === 'string' ? id : entry.sender_id
}

function keyOf(entry: Entry, answer: Answer | null): string {
  if (answer !== null) return `reply:${answer.replyId}`
  return entry.client_msg_id === null ? `s${entry.seq}` : `${entry.sender_id ?? ''}:${entry.client_msg_id}`
}

function bodyOfFailure(entry: Entry): MessageBody {
  const text = systemOf(entry)?.params['text']
  return { kind: 'text', text: typeof text === 'string' ? text : '' }
}

function rowOfEntry(entry: Entry, input: RowsInput): MessageRow {
  const mine = entry.sender_id === input.myId
  const answer = answerOf(entry)
  const body = answer?.state === 'failed' ? bodyOfFailure(entry) : bodyOf(entry)
  const ticks = mine && input.withTicks && entry.type !== 'system' && entry.recalled_at === null
  const kind = entry.type === 'system' ? 'system' : entry.recalled_at !== null ? 'recalled' : body.kind

  return {
    key: keyOf(entry, answer),
    seq: entry.seq,
    kind,
    body,
    system: systemOf(entry) ?? NO_SYSTEM,
    senderId: senderOf(entry, answer),
    replyToSeq: entry.recalled_at === null ? entry.reply_to_seq : null,
    mentions: entry.mentions,
    reactions: entry.reactions,
    at: entry.created_at,
    edited: entry.edited_at !== null && entry.recalled_at === null,
    mine,
    state: !ticks ? 'none' : entry.seq <= input.peerReadSeq ? 'read' : 'sent',
    failCode: null,
    clientMsgId: entry.client_msg_id,
    answer,
    dayAt: null,
    startsNew: entry.seq === input.newFromSeq,
    groupStart: true,
    groupEnd: true,
    parcel: null,
    album: null,
  }
}

function rowOfParcel(parcel: Parcel, input: RowsInput): MessageRow {
  const { client_msg_id, state, code } = parcel
  const message = { ...parcel, type: parcel.kind, content: { file_id: '' }, mentions: [], entry: null }
  const row = rowOfPending({ ...message, client_msg_id, state: state === 'failed' ? 'failed' : 'sending', code: state === 'failed' ? code : null }, input)
  return withParcel(row, parcel)
}

function withParcel(row: MessageRow, parcel: Parcel): MessageRow {
  const body = bodyOfParcel(parcel)
  return { ...row, kind: body.kind, body, parcel, at: parcel.created_at }
}

function rowOfPending(pending: PendingMessage, input: RowsInput): MessageRow {
  const body = bodyOf({ ...pending, summary: '' })
  return {
    key: `${input.myId}:${pending.client_msg_id}`,
    seq: null,
    kind: body.kind,
    body,
    system: NO_SYSTEM,
    senderId: input.myId,
    replyToSeq: pending.reply_to_seq,
    mentions: pending.mentions,
    reactions: [],
    at: pending.created_at,
    edited: false,
    mine: true,
    state: pending.state === 'sent' && !input.withTicks ? 'none' : pending.state,
    failCode: pending.code,
    clientMsgId: pending.client_msg_id,
    answer: null,
    dayAt: null,
    startsNew: false,
    groupStart: true,
    groupEnd: true,
    parcel: null,
    album: null,
  }
}

function rowOfReply(reply: RunningReply): MessageRow {
  return {
    key: `reply:${reply.id}`,
    seq: null,
    kind: 'text',
    body: { kind: 'text', text: reply.text },
    system: NO_SYSTEM,
    senderId: reply.assistantId,
    replyToSeq: reply.replyToSeq,
    mentions: [],
    reactions: [],
    at: reply.beganAt,
    edited: false,
    mine: false,
    state: 'none',
    failCode: null,
    clientMsgId: null,
    parcel: null,
    album: null,
    answer: { replyId: reply.id, askSeq: reply.replyToSeq, state: reply.state, reason: '' },
    dayAt: null,
    startsNew: false,
    groupStart: true,
    groupEnd: true,
  }
}

/* An answer need not quote what stands right above it. */
function asksAbove(upper: MessageRow, lower: MessageRow): boolean {
  const ask = lower.answer?.askSeq
  return ask != null && (upper.seq === ask || upper.answer?.askSeq === ask)
}

/* What is on its way, in the order in which it was sent off. */
function unsentRows(input: RowsInput): MessageRow[] {
  const parcels = new Map((input.parcels ?? []).map((parcel) => [parcel.client_msg_id, parcel]))
  const messages = input.pending.map((pending) => {
    const parcel = parcels.get(pending.client_msg_id)
    parcels.delete(pending.client_msg_id)
    const row = rowOfPending(pending, input)
    return parcel === undefined ? row : withParcel(row, parcel)
  })
  const rows = [...messages, ...[...parcels.values()].map((parcel) => rowOfParcel(parcel, input))]
  return rows.sort((a, b) => a.at - b.at)
}

function sameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString()
}

function isSpoken(row: MessageRow): boolean {
  return row.answer !== null || (row.kind !== 'system' && row.kind !== 'recalled')
}

function belongTogether(upper: MessageRow, lower: MessageRow): boolean {
  const spoken = isSpoken(upper) && isSpoken(lower)
  return spoken && upper.senderId === lower.senderId && lower.at - upper.at < GROUP_MS && lower.dayAt === null && !lower.startsNew
}

export function messageRows(input: RowsInput): MessageRow[] {
  const sent = new Set(input.entries.filter((entry) => entry.sender_id === input.myId).map((entry) => entry.client_msg_id))
  // A person could send a message with the id of an answer, and would hide it.
  const said = new Set(input.entries.flatMap((entry) => (entry.type === 'system' ? replyIdOf(entry) : `${entry.sender_id} ${replyIdOf(entry)}`) ?? []))
  const rows = [
    ...input.entries.map((entry) => rowOfEntry(entry, input)),
    ...unsentRows(input).filter((row) => !sent.has(row.clientMsgId)),
    ...(input.replies ?? []).filter(({ id, assistantId }) => !said.has(id) && !said.has(`${assistantId} ${id}`)).map(rowOfReply),
  ]

  const keys = new Set<string>()
  rows.forEach((row, i) => {
    // The parts of one forward share their client_msg_id.
    if (keys.has(row.key)) row.key += `:${row.seq ?? ''}`
    keys.add(row.key)
    const above = rows[i - 1]
    if (above === undefined || !sameDay(above.at, row.at)) row.dayAt = row.at
    if (above !== undefined && asksAbove(above, row)) row.replyToSeq = null
    if (above !== undefined && belongTogether(above, row)) {
      row.groupStart = false
      above.groupEnd = false
    }
  })
  return rows
}
