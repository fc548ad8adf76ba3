/* Names, sizes and durations of files, as the house takes them and as people read them. */

const NAME_BYTES = 255

/* What the house refuses in a name: controls, what is a path, half a character, and what turns the direction of text. */
const REFUSED = /[\p{Cc}\p{Cs}/\\\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
const EXTENSION = /\.[^.\s]{1,12}$/u

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}

/* A name that the house takes: what it refuses is replaced, and what is too long is cut before the extension. */
export function safeName(name: string): string {
  const clean = name.replace(REFUSED, '_').trim()
  if (clean === '' || clean === '.' || clean === '..') return 'file'
  if (bytesOf(clean) <= NAME_BYTES) return clean
  const extension = EXTENSION.exec(clean)?.[0] ?? ''
  const room = NAME_BYTES - bytesOf(extension)
  let kept = ''
  let used = 0
  for (const character of clean.slice(0, clean.length - extension.length)) {
    used += bytesOf(character)
    if (used > room) break
    kept += character
  }
  return kept + extension
}

export function extensionOf(name: string): string {
  return (EXTENSION.exec(name)?.[0] ?? '').slice(1).toLowerCase()
}

/* "1.4 MB": three digits at most. */
export function sizeText(bytes: number, locale: string): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const
  let value = bytes
  let at = 0
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000
    at++
  }
  const digits = at === 0 || value >= 99.5 ? 0 : 1
  return new Intl.NumberFormat(locale, { style: 'unit', unit: units[at] ?? 'byte', unitDisplay: at === 0 ? 'long' : 'short', maximumFractionDigits: digits }).format(value)
}

/* "0:07", "1:02:03". */
export function durationText(ms: number): string {
  const all = Math.max(0, Math.round(ms / 1000))
  const seconds = String(all % 60).padStart(2, '0')
  const minutes = Math.floor(all / 60) % 60
  const hours = Math.floor(all / 3600)
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${seconds}` : `${minutes}:${seconds}`
}

/* The largest box of this shape that fits, in whole pixels; what is small stays as it is, within reason. */
export function fitted(width: number | null, height: number | null, most: { width: number; height: number }, least = 72): { width: number; height: number } {
  if (!width || !height) return { width: Math.round(most.width * 0.7), height: Math.round(most.width * 0.7) }
  const scale = Math.min(1, most.width / width, most.height / height)
  const clamp = (value: number, limit: number) => Math.round(Math.min(limit, Math.max(least, value * scale)))
  return { width: clamp(width, most.width), height: clamp(height, most.height) }
}
