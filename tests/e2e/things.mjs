// Files for tests in a browser, made by it: pictures, a film, and what a hand does with them.
import { createHash } from 'node:crypto'

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** A picture with a colour and a word on it: what page.setInputFiles takes. */
export async function picture(page, name, { width = 640, height = 400, colour = '#8a5523', word = name } = {}) {
  const base64 = await page.evaluate(async ([w, h, fill, text]) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: w, height: h })
    const context = canvas.getContext('2d')
    const shade = context.createLinearGradient(0, 0, w, h)
    shade.addColorStop(0, fill)
    shade.addColorStop(1, '#f3eee3')
    context.fillStyle = shade
    context.fillRect(0, 0, w, h)
    context.fillStyle = '#25221d'
    context.font = `${Math.round(h / 6)}px serif`
    context.textAlign = 'center'
    context.fillText(text, w / 2, h / 2)
    return canvas.toDataURL('image/png').split(',')[1]
  }, [width, height, colour, word])
  return { name, mimeType: 'image/png', buffer: Buffer.from(base64, 'base64') }
}

/** About two seconds of a moving square, as this browser records it. */
export async function film(page, name) {
  const base64 = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 })
    const context = canvas.getContext('2d')
    const recorder = new MediaRecorder(canvas.captureStream(25), { mimeType: 'video/webm;codecs=vp8' })
    const pieces = []
    recorder.ondataavailable = ({ data }) => pieces.push(data)
    const stopped = new Promise((resolve) => (recorder.onstop = resolve))
    recorder.start()
    const began = performance.now()
    await new Promise((resolve) => {
      const draw = (now) => {
        const at = (now - began) / 2000
        context.fillStyle = '#2c6a62'
        context.fillRect(0, 0, 320, 240)
        context.fillStyle = '#f6e4de'
        context.fillRect(20 + 220 * at, 90, 60, 60)
        if (at >= 1) resolve()
        else requestAnimationFrame(draw)
      }
      requestAnimationFrame(draw)
    })
    recorder.stop()
    await stopped
    const bytes = new Uint8Array(await new Blob(pieces).arrayBuffer())
    let text = ''
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192))
    return btoa(text)
  })
  return { name, mimeType: 'video/webm', buffer: Buffer.from(base64, 'base64') }
}

/** Gives files to a place by a hand's event: `paste`, or `drop` with what comes before it. */
export function give(page, test, files, how) {
  const plain = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, base64: buffer.toString('base64') }))
  return page.evaluate(([where, things, kind]) => {
    const carried = new DataTransfer()
    for (const { name, mimeType, base64 } of things) {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
      carried.items.add(new File([bytes], name, { type: mimeType }))
    }
    const place = document.querySelector(`[data-test="${where}"]`)
    const common = { bubbles: true, cancelable: true }
    if (kind === 'paste') return void place.dispatchEvent(new ClipboardEvent('paste', { ...common, clipboardData: carried }))
    for (const one of kind === 'drag' ? ['dragenter', 'dragover'] : ['dragenter', 'dragover', 'drop']) {
      place.dispatchEvent(new DragEvent(one, { ...common, dataTransfer: carried }))
    }
  }, [test, plain, how])
}

/** How fast the page sends, in bytes per second; 0 is not at all, null is as fast as it goes. */
export async function slowly(browser, bytesPerS) {
  browser.network ??= await browser.context.newCDPSession(browser.page)
  await browser.network.send('Network.enable')
  const offline = bytesPerS === 0
  const uploadThroughput = bytesPerS || -1
  await browser.network.send('Network.emulateNetworkConditions', { offline, latency: 0, downloadThroughput: -1, uploadThroughput })
}
