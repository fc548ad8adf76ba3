/* What this house is and can: its limits, and whether it takes new people. */
import type { Server } from '@sdk'
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { useClient } from './client'

const TEXT_LENGTH = 8000

export const useServer = defineStore('server', () => {
  const client = useClient()
  const info = shallowRef<Server | null>(null)
  const textLength = computed(() => info.value?.limits.text_length ?? TEXT_LENGTH)
  /* Not known yet: the house will say it itself. */
  const fileBytes = computed(() => info.value?.limits.file_bytes ?? Infinity)

  async function load(): Promise<void> {
    info.value = await client.server.get()
  }

  return { info, textLength, fileBytes, load }
})
