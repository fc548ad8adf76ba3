// Files of the house: their addresses for a page, and the calls about them. Files on their way are in parcels.ts.
import { bodyOf, type House } from './call'
import type { SessionKeeper } from './session'
import type { Tus } from './tus'
import type { Page, PageQuery, SentFile, StoredFile } from './types'

export type ThumbnailSize = '160' | '480' | '1280'

export interface FileAddress {
  url: string
  /** When its token ends; in milliseconds. */
  until: number
}

export interface FileCalls {
  /** Where a page finds a file, or a small copy of a picture; with a token that is good for a while. */
  address(id: string, size?: ThumbnailSize): Promise<FileAddress>
  /** Stores something small, such as an avatar. For what is sent there are `parcels`. */
  store(blob: Blob, name: string, signal?: AbortSignal): Promise<StoredFile>
  /** What was sent in a conversation, the newest first. */
  sent(conversationId: string, query?: PageQuery & { type?: SentFile['type'] }): Promise<Page<SentFile>>
}

export function createFileCalls(baseUrl: string, house: House, keeper: SessionKeeper, tus: Tus): FileCalls {
  return {
    async address(id, size) {
      const { token, until } = await keeper.fileToken()
      const query = `t=${encodeURIComponent(token)}`
      const url = size === undefined ? `${baseUrl}/files/${id}?${query}` : `${baseUrl}/files/${id}/thumbnail?size=${size}&${query}`
      return { url, until }
    },
    store: (blob, name, signal = new AbortController().signal) => tus.store(blob, name, { signal }),
    sent: (id, query = {}) => bodyOf(house.GET('/conversations/{id}/files', { params: { path: { id }, query } })),
  }
}
