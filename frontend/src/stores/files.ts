/* Where pictures, sound and video are found: an address holds a token that ends, so it is asked for when it is needed and kept
   while it is good. And what this page has sent itself, which need not be fetched. */
import { isPosthouseError, type FileAddress, type ThumbnailSize } from '@sdk'
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { useClient } from './client'

/* So many of the last sent are shown from here; older ones come from the house like everybody else's. */
const PREVIEWS = 60

export const useFiles = defineStore('files', () => {
  const client = useClient()
  const addresses = shallowReactive(new Map<string, FileAddress>())
  const asked = new Set<string>()
  const previews = new Map<string, string>()

  function keyOf(id: string, size?: ThumbnailSize): string {
    return `${id}/${size ?? ''}`
  }

  async function ask(id: string, size?: ThumbnailSize): Promise<void> {
    const key = keyOf(id, size)
    if (asked.has(key)) return
    asked.add(key)
    try {
      addresses.set(key, await client.patiently(() => client.files.address(id, size)))
    } catch (error) {
      // Without a session there is nothing to show either.
      if (!isPosthouseError(error)) throw error
    } finally {
      asked.delete(key)
    }
  }

  /* Empty until it is known. One that has ended is still told, for who shows its picture already, and a new one asked for. */
  function url(id: string, size?: ThumbnailSize): string {
    const known = addresses.get(keyOf(id, size))
    if (known === undefined || known.until <= Date.now()) void ask(id, size)
    return known?.url ?? ''
  }

  /* Whether an address that did not load may be good by now: its token had ended, and a new one is on its way. */
  function renews(id: string, size?: ThumbnailSize): boolean {
    const known = addresses.get(keyOf(id, size))
    if (known !== undefined && known.until > Date.now()) return false
    void ask(id, size)
    return true
  }

  /* The address of bytes that are here, by the id of the message that they are sent with. */
  function preview(clientMsgId: string, blob: Blob | null): string {
    const known = previews.get(clientMsgId)
    if (known !== undefined || blob === null) return known ?? ''
    const made = URL.createObjectURL(blob)
    previews.set(clientMsgId, made)
    for (const [oldest, address] of previews) {
      if (previews.size <= PREVIEWS) break
      URL.revokeObjectURL(address)
      previews.delete(oldest)
    }
    return made
  }

  client.on('signed-out', () => {
    addresses.clear()
    for (const address of previews.values()) URL.revokeObjectURL(address)
    previews.clear()
  })

  return { url, renews, preview }
})
