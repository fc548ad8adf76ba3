/* The files of one conversation that are on their way, as a reactive value, and how files are given to it. */
import type { NewParcel, Parcel } from '@sdk'
import { onWatcherCleanup, shallowRef, watch, type Ref } from 'vue'
import { useClient } from '@/stores/client'
import { useServer } from '@/stores/server'
import { attachmentOf } from './attachments'

/* What was chosen and is not sent, by why. */
export interface NotSent {
  empty: File[]
  large: File[]
}

export function useParcels(id: Ref<string>) {
  const client = useClient()
  const server = useServer()
  const parcels = shallowRef<readonly Parcel[]>([])

  watch(
    id,
    (value) => {
      const copy = () => (parcels.value = client.parcels.of(value))
      onWatcherCleanup(client.parcels.subscribe((changed) => changed === value && copy()))
      copy()
    },
    { immediate: true },
  )

  /* Takes what somebody chose, but for what the house would refuse. */
  async function addFiles(files: readonly File[], replyToSeq: number | null = null): Promise<NotSent> {
    const conversation = id.value
    const fit = files.filter(({ size }) => size > 0 && size <= server.fileBytes)
    const things = await Promise.all(fit.map(attachmentOf))
    if (things.length > 0) client.parcels.add(conversation, things, replyToSeq)
    return { empty: files.filter(({ size }) => size === 0), large: files.filter(({ size }) => size > server.fileBytes) }
  }

  function addVoice(voice: NewParcel, replyToSeq: number | null = null): void {
    client.parcels.add(id.value, [voice], replyToSeq)
  }

  /* Those that are in the outbox are the outbox's. */
  function holds(clientMsgId: string): boolean {
    return parcels.value.some((one) => one.client_msg_id === clientMsgId && one.state !== 'handed')
  }

  return {
    parcels, holds, addFiles, addVoice,
    retry: (clientMsgId: string) => client.parcels.retry(clientMsgId),
    cancel: (clientMsgId: string) => client.parcels.cancel(clientMsgId),
  }
}
