/* One thing is heard at a time: who begins ends what was heard before. */
import { defineStore } from 'pinia'

export const useSounds = defineStore('sounds', () => {
  let playing: HTMLMediaElement | null = null

  function begin(media: HTMLMediaElement): void {
    if (playing !== media) playing?.pause()
    playing = media
  }

  function end(media: HTMLMediaElement): void {
    if (playing === media) playing = null
  }

  return { begin, end }
})
