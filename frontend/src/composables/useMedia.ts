/* The pictures and videos that the viewer goes through, and which of them it shows. */
import { computed, inject, provide, shallowRef, type ComputedRef, type InjectionKey, type Ref } from 'vue'
import { isFileBody } from './messageBody'
import type { MessageRow } from './messageRows'

export interface MediaItem {
  key: string
  kind: 'image' | 'video'
  seq: number | null
  fileId: string
  posterId: string | null
  name: string
  size: number
  width: number | null
  height: number | null
  senderId: string | null
  at: number
  clientMsgId: string | null
}

export interface MediaShow {
  items: ComputedRef<readonly MediaItem[]>
  shown: Ref<string | null>
  open: (key: string) => void
}

/* So often more is read, at one step, until an earlier picture is found. */
export const MOST_READS = 6

const KEY: InjectionKey<MediaShow> = Symbol('media')

export function mediaOf(row: MessageRow): MediaItem | null {
  const { body, key, seq, senderId, at, clientMsgId } = row
  if (!isFileBody(body) || (body.kind !== 'image' && body.kind !== 'video') || body.fileId === '') return null
  const { kind, fileId, size, width, height } = body
  const more = body.kind === 'video' ? { posterId: body.posterId, name: '' } : { posterId: null, name: body.name }
  return { key, seq, senderId, at, clientMsgId, kind, fileId, size, width, height, ...more }
}

export function provideMedia(rows: Ref<readonly MessageRow[]>): MediaShow {
  const shown = shallowRef<string | null>(null)
  const items = computed(() => rows.value.map(mediaOf).filter((item) => item !== null))
  const show: MediaShow = { items, shown, open: (key) => (shown.value = key) }
  provide(KEY, show)
  return show
}

export function useMediaShow(): MediaShow {
  const show = inject(KEY)
  if (show === undefined) throw new Error('not beside a viewer')
  return show
}
