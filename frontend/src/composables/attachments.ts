/* From a file that somebody chose to what is sent: what kind of message it is, how large its picture, how long it plays. What
   this browser cannot show is a document, whatever its name says. */
import type { NewParcel } from '@sdk'
import { safeName } from './fileNames'

/* Those that the house knows as pictures too. */
const PICTURES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])
const VIDEOS = new Set(['video/mp4', 'video/webm', 'video/ogg', 'video/quicktime'])
const POSTER_PX = 1280
const POSTER_QUALITY = 0.82
/* A film that does not begin within this is sent as a document. */
const VIDEO_MS = 15_000
/* Beyond the end of everything: the browser then looks for the real end. */
const FAR_S = 1e9

export async function attachmentOf(file: File): Promise<NewParcel> {
  const plain: NewParcel = { kind: 'file', name: safeName(file.name), blob: file }
  if (PICTURES.has(file.type)) return (await pictureOf(file, plain)) ?? plain
  if (VIDEOS.has(file.type)) return (await videoOf(file, plain)) ?? plain
  return plain
}

async function pictureOf(file: File, plain: NewParcel): Promise<NewParcel | null> {
  const url = URL.createObjectURL(file)
  const image = new Image()
  try {
    image.src = url
    await image.decode()
    return { ...plain, kind: 'image', width: image.naturalWidth, height: image.naturalHeight }
  } catch {
    return null
  } finally {
    URL.revokeObjectURL(url)
  }
}

async function videoOf(file: File, plain: NewParcel): Promise<NewParcel | null> {
  const url = URL.createObjectURL(file)
  const video = document.createElement('video')
  const deadline = AbortSignal.timeout(VIDEO_MS)
  try {
    Object.assign(video, { muted: true, playsInline: true, preload: 'auto', src: url })
    await event(video, 'loadeddata', deadline)
    const durationMs = (await durationOf(video, deadline)) * 1000
    if (video.videoWidth === 0 || !(durationMs > 0)) return null
    video.currentTime = Math.min(1, durationMs / 10_000)
    await event(video, 'seeked', deadline)
    const poster = await stillOf(video)
    return { ...plain, kind: 'video', width: video.videoWidth, height: video.videoHeight, durationMs, poster }
  } catch {
    return null
  } finally {
    video.removeAttribute('src')
    URL.revokeObjectURL(url)
  }
}

/* In seconds. What a browser has recorded does not say how long it is until its end was looked for. */
export async function durationOf(media: HTMLMediaElement, signal: AbortSignal): Promise<number> {
  if (Number.isFinite(media.duration)) return media.duration
  media.currentTime = FAR_S
  while (!Number.isFinite(media.duration)) await event(media, 'durationchange', signal)
  return media.duration
}

function event(target: HTMLMediaElement, name: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    target.addEventListener(name, () => resolve(), { once: true, signal })
    target.addEventListener('error', () => reject(new Error('it does not play')), { once: true, signal })
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

async function stillOf(video: HTMLVideoElement): Promise<Blob | null> {
  const scale = Math.min(1, POSTER_PX / Math.max(video.videoWidth, video.videoHeight))
  const canvas = document.createElement('canvas')
  canvas.width = Math.max(1, Math.round(video.videoWidth * scale))
  canvas.height = Math.max(1, Math.round(video.videoHeight * scale))
  canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height)
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', POSTER_QUALITY))
}
