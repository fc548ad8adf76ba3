// Pictures for tests, byte by byte: small ones, turned ones, ones that say where they were taken, and bombs.
import { deflateSync } from 'node:zlib'

const TABLE = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
  return n >>> 0
})
const crc32 = (bytes) => (bytes.reduce((crc, byte) => TABLE[(crc ^ byte) & 255] ^ (crc >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}

/** A grey PNG of so many pixels; `data` instead of its pixels. */
export function png(width, height, data = deflateSync(Buffer.alloc((width + 1) * height, 128))) {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width)
  head.writeUInt32BE(height, 4)
  head[8] = 8
  return Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', head), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))])
}

export const PNG = png(3, 2)

/** 40 x 20 pixels. */
export const JPEG = Buffer.from(''
  + '/9j/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhC'
  + 'Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/wAARCAAUACgDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAA'
  + 'AAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6'
  + 'Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl'
  + '5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEI'
  + 'FEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOk'
  + 'paanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwCjRRRQAUUUUAFFFFABRRRQAUUUUAFFFFAH'
  + '/9k=', 'base64')

/** A JPEG with EXIF: how it is to be turned, and 31 N 121 E. */
export function withExif(jpeg, orientation) {
  const tiff = Buffer.alloc(8 + 2 + 2 * 12 + 4 + 2 + 4 * 12 + 4 + 48)
  tiff.write('II*\0', 'latin1')
  tiff.writeUInt32LE(8, 4)
  let at = 8
  const count = (n) => { at = tiff.writeUInt16LE(n, at) }
  const entry = (tag, type, n, value) => {
    at = tiff.writeUInt16LE(tag, at)
    at = tiff.writeUInt16LE(type, at)
    at = tiff.writeUInt32LE(n, at)
    at = tiff.writeUInt32LE(value, at)
  }
  const gps = 8 + 2 + 2 * 12 + 4
  const rationals = gps + 2 + 4 * 12 + 4
  count(2)
  entry(0x0112, 3, 1, orientation)
  entry(0x8825, 4, 1, gps)
  at = gps
  count(4)
  entry(1, 2, 2, 'N'.charCodeAt(0))
  entry(2, 5, 3, rationals)
  entry(3, 2, 2, 'E'.charCodeAt(0))
  entry(4, 5, 3, rationals + 24)
  for (const [i, value] of [31, 13, 59, 121, 28, 12].entries()) {
    tiff.writeUInt32LE(value, rationals + 8 * i)
    tiff.writeUInt32LE(1, rationals + 8 * i + 4)
  }
  const app1 = Buffer.concat([Buffer.from('ffe10000', 'hex'), Buffer.from('Exif\0\0', 'latin1'), tiff])
  app1.writeUInt16BE(app1.length - 2, 2)
  return Buffer.concat([jpeg.subarray(0, 2), app1, jpeg.subarray(2)])
}
