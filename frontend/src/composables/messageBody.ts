/* What a message says, by its type, taken apart with care: content comes from other people's programs. What is not as it should
   be, or of a type that this version does not know, is shown by its summary. */
import type { Entry, Parcel } from '@sdk'

export interface MergedItem {
  senderId: string | null
  senderName: string
  at: number | null
  text: string
  file: FileBody | null
}

/* What is a file; without an id as long as it is on its way. */
export type FileBody =
  | { kind: 'image'; fileId: string; name: string; size: number; width: number | null; height: number | null }
  | { kind: 'file'; fileId: string; name: string; size: number }
  | { kind: 'voice'; fileId: string; durationMs: number }
  | { kind: 'video'; fileId: string; posterId: string | null; durationMs: number; size: number; width: number | null; height: number | null }

export type MessageBody =
  | { kind: 'text'; text: string }
  | FileBody
  | { kind: 'location'; name: string; lat: number; lng: number }
  | { kind: 'card'; userId: string }
  | { kind: 'merged'; title: string; items: MergedItem[] }
  | { kind: 'custom'; name: string; summary: string }
  | { kind: 'unknown'; summary: string }

type Fields = Record<string, unknown>

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

function lengthOf(value: unknown): number | null {
  return numberOf(value) > 0 ? numberOf(value) : null
}

function kindOf(type: unknown): FileBody['kind'] | null {
  return type === 'image' || type === 'file' || type === 'voice' || type === 'video' ? type : null
}

function fileOf(type: FileBody['kind'], content: Fields): FileBody | null {
  const fileId = stringOf(content['file_id'])
  if (fileId === '') return null
  const name = stringOf(content['name'])
  const size = numberOf(content['size'])
  const shape = { width: lengthOf(content['width']), height: lengthOf(content['height']) }
  const durationMs = numberOf(content['duration_ms'])
  switch (type) {
    case 'image':
      return { kind: type, fileId, name, size, ...shape }
    case 'file':
      return { kind: type, fileId, name, size }
    case 'voice':
      return { kind: type, fileId, durationMs }
    case 'video':
      return { kind: type, fileId, posterId: stringOf(content['poster_file_id']) || null, durationMs, size, ...shape }
  }
}

export function isFileBody(body: MessageBody): body is FileBody {
  return body.kind === 'image' || body.kind === 'file' || body.kind === 'voice' || body.kind === 'video'
}

/* Of a file that is on its way. */
export function bodyOfParcel({ kind, name, blob, width, height, duration_ms }: Parcel): FileBody {
  const size = blob.size
  const durationMs = duration_ms ?? 0
  switch (kind) {
    case 'image':
      return { kind, fileId: '', name, size, width, height }
    case 'file':
      return { kind, fileId: '', name, size }
    case 'voice':
      return { kind, fileId: '', durationMs }
    case 'video':
      return { kind, fileId: '', posterId: null, durationMs, size, width, height }
  }
}

function mergedItem(value: unknown): MergedItem {
  const item = fieldsOf(value)
  const content = fieldsOf(item['content'])
  const kind = kindOf(item['type'])
  return {
    senderId: stringOf(item['sender_id']) || null,
    senderName: stringOf(item['sender_name']),
    at: typeof item['created_at'] === 'number' ? item['created_at'] : null,
    text: stringOf(content['text']) || stringOf(item['summary']),
    file: kind === null ? null : fileOf(kind, content),
  }
}

export function bodyOf(entry: Pick<Entry, 'type' | 'summary'> & { content: unknown }): MessageBody {
  const content = fieldsOf(entry.content)
  const unknown: MessageBody = { kind: 'unknown', summary: entry.summary }
  switch (entry.type as string) {
    case 'text':
      return typeof content['text'] === 'string' ? { kind: 'text', text: content['text'] } : unknown
    case 'image':
    case 'file':
    case 'voice':
    case 'video':
      return fileOf(entry.type as FileBody['kind'], content) ?? unknown
    case 'location': {
      const { lat, lng } = content
      return typeof lat === 'number' && typeof lng === 'number' ? { kind: 'location', name: stringOf(content['name']), lat, lng } : unknown
    }
    case 'card':
      return typeof content['user_id'] === 'string' ? { kind: 'card', userId: content['user_id'] } : unknown
    case 'merged':
      return Array.isArray(content['items'])
        ? { kind: 'merged', title: stringOf(content['title']), items: content['items'].map(mergedItem) }
        : unknown
    case 'custom':
      return { kind: 'custom', name: stringOf(content['kind']), summary: entry.summary }
    default:
      return unknown
  }
}
