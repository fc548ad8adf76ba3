/* What a message says, by its type, taken apart with care: content comes from other people's programs. What is not as it should
   be, or of a type that this version does not know, is shown by its summary. */
import type { Entry } from '@sdk'

export interface MergedItem {
  senderId: string | null
  senderName: string
  at: number | null
  text: string
}

export type MessageBody =
  | { kind: 'text'; text: string }
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

function mergedItem(value: unknown): MergedItem {
  const item = fieldsOf(value)
  const content = fieldsOf(item['content'])
  return {
    senderId: stringOf(item['sender_id']) || null,
    senderName: stringOf(item['sender_name']),
    at: typeof item['created_at'] === 'number' ? item['created_at'] : null,
    text: stringOf(content['text']) || stringOf(item['summary']),
  }
}

export function bodyOf(entry: Pick<Entry, 'type' | 'summary'> & { content: unknown }): MessageBody {
  const content = fieldsOf(entry.content)
  const unknown: MessageBody = { kind: 'unknown', summary: entry.summary }
  switch (entry.type as string) {
    case 'text':
      return typeof content['text'] === 'string' ? { kind: 'text', text: content['text'] } : unknown
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
