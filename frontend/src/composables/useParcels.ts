/* The files of one conversation that are on their way, as a reactive value, and how files are given to it. */
import type { NewParcel, Parcel } from '@sdk'
import { onWatcherCleanup, shallowRef, watch, type Ref } from 'vue'
import { useClient } from '@/stores/client'
import { attachmentOf } from './attachments'

export function useParcels(id: Ref<string>) {
  const client = useClient()
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

  /* Takes what somebody chose; what is empty is answered, and not sent. */
  async function addFiles(files: readonly File[], replyToSeq: number | null = null): Promise<File[]> {
    const conversation = id.value
    const full = files.filter(({ size }) => size > 0)
    const things = await Promise.all(full.map(attachmentOf))
    if (things.length > 0) client.parcels.add(conversation, things, replyToSeq)
    return files.filter(({ size }) => size === 0)
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
