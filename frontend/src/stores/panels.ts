/* Which of the panels that can be opened from anywhere is open. */
import type { User } from '@sdk'
import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'

export const usePanels = defineStore('panels', () => {
  const finder = ref(false)
  const addFriend = ref(false)
  const makeGroup = ref(false)
  /* Searching what was said: everywhere (""), or in one conversation. */
  const searching = ref<string | null>(null)
  /* The person whom a request is being written to. */
  const asking = shallowRef<User | null>(null)

  function reset(): void {
    finder.value = false
    addFriend.value = false
    makeGroup.value = false
    searching.value = null
    asking.value = null
  }

  return { finder, addFriend, makeGroup, searching, asking, reset }
})
