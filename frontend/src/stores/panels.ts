/* Which of the panels that can be opened from anywhere is open. */
import type { User } from '@sdk'
import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'

export const usePanels = defineStore('panels', () => {
  const finder = ref(false)
  const addFriend = ref(false)
  /* The person whom a request is being written to. */
  const asking = shallowRef<User | null>(null)

  function reset(): void {
    finder.value = false
    addFriend.value = false
    asking.value = null
  }

  return { finder, addFriend, asking, reset }
})
