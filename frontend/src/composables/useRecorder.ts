/* A voice message while it is being spoken: how loud, how long, and at its end what is sent. The microphone is let go at once when
   it is over, however that is. */
import type { NewParcel } from '@sdk'
import { onScopeDispose, ref, shallowRef } from 'vue'

export const LONGEST_MS = 5 * 60_000
const SHORTEST_MS = 600
/* Chromium and Firefox speak the first, Safari the last. */
const TYPES = ['audio/webm;codecs=opus', 'audio/ogg;codecs=opus', 'audio/mp4']
const BITS_PER_S = 32_000
/* So many strokes of the meter, each so long. */
const STROKES = 48
const STROKE_MS = 80

export type RecordProblem = 'recordRefused' | 'recordNone' | 'recordShort'

/* Loudness between 0 and 1 of samples around 128, so that speech is seen and silence is not. */
export function loudness(samples: Uint8Array): number {
  let sum = 0
  for (const sample of samples) sum += ((sample - 128) / 128) ** 2
  return Math.min(1, Math.sqrt(sum / Math.max(1, samples.length)) * 3.2)
}

export function canRecord(): boolean {
  return 'MediaRecorder' in window && 'mediaDevices' in navigator && TYPES.some((type) => MediaRecorder.isTypeSupported(type))
}

export function useRecorder(done: (voice: NewParcel) => void, fail: (problem: RecordProblem) => void) {
  const recording = ref(false)
  const elapsedMs = ref(0)
  const levels = shallowRef<readonly number[]>([])
  let end: (() => void) | null = null
  let recorder: MediaRecorder | null = null
  let starting = false

  /* The strokes of the meter, until it is stopped. */
  function meter(stream: MediaStream): () => void {
    const context = new AudioContext()
    const analyser = context.createAnalyser()
    context.createMediaStreamSource(stream).connect(analyser)
    const samples = new Uint8Array(analyser.fftSize)
    const began = performance.now()
    const timer = setInterval(() => {
      analyser.getByteTimeDomainData(samples)
      levels.value = [...levels.value.slice(1 - STROKES), loudness(samples)]
      elapsedMs.value = performance.now() - began
      if (elapsedMs.value >= LONGEST_MS) finish()
    }, STROKE_MS)
    return () => {
      clearInterval(timer)
      void context.close()
    }
  }

  async function start(): Promise<void> {
    if (recording.value || starting) return
    starting = true
    try {
      begin(await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } }))
    } catch (error) {
      fail(error instanceof DOMException && error.name === 'NotFoundError' ? 'recordNone' : 'recordRefused')
    } finally {
      starting = false
    }
  }

  function begin(stream: MediaStream): void {
    const type = TYPES.find((one) => MediaRecorder.isTypeSupported(one)) ?? ''
    const pieces: Blob[] = []
    elapsedMs.value = 0
    levels.value = []
    recorder = new MediaRecorder(stream, { mimeType: type, audioBitsPerSecond: BITS_PER_S })
    recorder.ondataavailable = ({ data }) => pieces.push(data)
    recorder.onstop = () => {
      const blob = new Blob(pieces, { type })
      if (elapsedMs.value < SHORTEST_MS || blob.size === 0) return fail('recordShort')
      done({ kind: 'voice', name: `voice.${/mp4|ogg|webm/.exec(type)?.[0] ?? 'webm'}`, blob, durationMs: Math.round(elapsedMs.value) })
    }
    const stopMeter = meter(stream)
    end = () => {
      stopMeter()
      for (const track of stream.getTracks()) track.stop()
      recording.value = false
    }
    recorder.start()
    recording.value = true
  }

  /* Ends it, and gives it away or not. */
  function over(keep: boolean): void {
    const machine = recorder
    recorder = null
    if (machine !== null && !keep) machine.onstop = null
    if (machine !== null && machine.state !== 'inactive') machine.stop()
    end?.()
    end = null
  }

  function finish(): void {
    over(true)
  }

  onScopeDispose(() => over(false))
  return { recording, elapsedMs, levels, start, finish, discard: () => over(false) }
}
