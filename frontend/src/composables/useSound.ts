/* Sound that is played: loaded only when it is asked for, from where its slider stands. What a browser has recorded knows its
   length only after its end was looked for; the length that the message tells is shown until then. */
import { computed, onScopeDispose, ref, shallowRef, type Ref } from 'vue'
import { useSounds } from '@/stores/sounds'
import { durationOf } from './attachments'

const LOOK_MS = 10_000

export function useSound(source: () => Promise<string>, toldMs: Ref<number>) {
  const sounds = useSounds()
  const audio = shallowRef<HTMLAudioElement | null>(null)
  const playing = ref(false)
  const loading = ref(false)
  const broken = ref(false)
  const positionMs = ref(0)
  const realMs = ref(0)
  const lengthMs = computed(() => realMs.value || Math.max(1, toldMs.value))
  let frame = 0

  function follow(): void {
    const media = audio.value
    if (media === null || media.paused) return
    positionMs.value = Math.min(lengthMs.value, media.currentTime * 1000)
    frame = requestAnimationFrame(follow)
  }

  function made(url: string): HTMLAudioElement {
    const media = new Audio(url)
    media.onplay = () => {
      playing.value = true
      sounds.begin(media)
      follow()
    }
    media.onpause = () => (playing.value = false)
    media.onended = () => {
      playing.value = false
      positionMs.value = 0
      media.currentTime = 0
      sounds.end(media)
    }
    return media
  }

  async function load(): Promise<HTMLAudioElement> {
    if (audio.value !== null) return audio.value
    const media = made(await source())
    const signal = AbortSignal.timeout(LOOK_MS)
    await new Promise((resolve, reject) => {
      media.onloadedmetadata = resolve
      media.onerror = () => reject(new Error('it does not play'))
      signal.onabort = () => reject(signal.reason as Error)
    })
    realMs.value = (await durationOf(media, signal)) * 1000
    media.currentTime = positionMs.value / 1000
    return (audio.value = media)
  }

  async function toggle(): Promise<void> {
    if (playing.value) return audio.value?.pause()
    if (loading.value) return
    loading.value = true
    broken.value = false
    try {
      await (await load()).play()
    } catch {
      // Its address may have ended: the next try asks for a new one.
      forget()
      broken.value = true
    } finally {
      loading.value = false
    }
  }

  function seek(ms: number): void {
    positionMs.value = ms
    if (audio.value !== null) audio.value.currentTime = ms / 1000
  }

  function forget(): void {
    cancelAnimationFrame(frame)
    audio.value?.pause()
    if (audio.value !== null) sounds.end(audio.value)
    audio.value = null
    playing.value = false
  }

  onScopeDispose(forget)
  return { playing, loading, broken, positionMs, lengthMs, toggle, seek }
}
