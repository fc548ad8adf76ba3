/* The square section of a picture that becomes an avatar. */

export interface Crop {
  /* 1: the largest square that the picture holds; 4: a quarter of its side. */
  scale: number
  /* The middle of the section, in the picture's own pixels. */
  x: number
  y: number
}

export const CROP_MOST = 5

/* The section, moved so far that it is inside the picture. */
export function inside(crop: Crop, width: number, height: number): Crop {
  const scale = Math.min(CROP_MOST, Math.max(1, crop.scale))
  const half = sideOf({ ...crop, scale }, width, height) / 2
  const clamp = (value: number, length: number) => Math.min(length - half, Math.max(half, value))
  return { scale, x: clamp(crop.x, width), y: clamp(crop.y, height) }
}

/* Of the section, in the picture's own pixels. */
export function sideOf({ scale }: Crop, width: number, height: number): number {
  return Math.min(width, height) / scale
}

/* The section as a picture of its own, on white where it is transparent. */
export function squareOf(image: HTMLImageElement, crop: Crop, px: number): Promise<Blob | null> {
  const canvas = document.createElement('canvas')
  const side = sideOf(crop, image.naturalWidth, image.naturalHeight)
  canvas.width = canvas.height = Math.max(64, Math.min(px, Math.round(side)))
  const context = canvas.getContext('2d')
  if (context === null) return Promise.resolve(null)
  context.fillStyle = '#fff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(image, crop.x - side / 2, crop.y - side / 2, side, side, 0, 0, canvas.width, canvas.height)
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.9))
}
