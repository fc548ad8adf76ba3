/* Pictures that one person sent in a row stand together. An album is the row of its first picture, so that it keeps its place
   while others join it, with the `seq` of its last one, so that it is read when all of it is. */
import type { MessageRow } from './messageRows'

const MOST = 9

function fits(row: MessageRow): boolean {
  return row.kind === 'image' && row.state !== 'failed' && row.reactions.length === 0
}

function albumOf(members: readonly MessageRow[]): MessageRow {
  const first = members[0] as MessageRow
  const last = members.at(-1) as MessageRow
  const seq = [...members].reverse().find((row) => row.seq !== null)?.seq ?? null
  // What is still on its way says so for all.
  const state = members.find((row) => row.state === 'sending')?.state ?? last.state
  return { ...first, seq, state, at: last.at, groupEnd: last.groupEnd, album: members }
}

export function withAlbums(rows: readonly MessageRow[]): MessageRow[] {
  const out: MessageRow[] = []
  let run: MessageRow[] = []
  const close = () => {
    if (run.length > 1) out.push(albumOf(run))
    else out.push(...run)
    run = []
  }
  for (const row of rows) {
    const joins = run.length > 0 && run.length < MOST && fits(row) && !row.groupStart && row.replyToSeq === null
    if (!joins) close()
    if (fits(row)) run.push(row)
    else out.push(row)
  }
  close()
  return out
}
