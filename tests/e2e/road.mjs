// The road between a browser and the house: an HTTP proxy that counts what waits on it, and that can do to streams and long
// polls what proxies do. It listens on every address, so that a page can come over plain http from one that is not localhost.
import http from 'node:http'
import { networkInterfaces } from 'node:os'

/** fair · holds: nothing of a stream goes on before its end · cuts: nor does any answer that is not there within a second */
const CUT_MS = 1000

/** An address of this machine that a browser does not trust as it trusts localhost; null if there is none. */
export function outerAddress() {
  const all = Object.values(networkInterfaces()).flat()
  return all.find((one) => one.family === 'IPv4' && !one.internal)?.address ?? null
}

export class Road {
  /** Requests for news that have no answer yet, or one that goes on. */
  waiting = new Set()
  /** Each request: `GET /api/v1/me`. */
  asked = []
  mode = 'fair'

  static async open(houseUrl) {
    const road = new Road()
    road.house = new URL(houseUrl)
    road.server = http.createServer((request, response) => road.pass(request, response))
    await new Promise((resolve) => road.server.listen(0, '0.0.0.0', resolve))
    road.port = road.server.address().port
    return road
  }

  url(address) {
    return `http://${address}:${this.port}`
  }

  count(call) {
    return this.asked.filter((one) => one.call === call).length
  }

  /** What waits, as `stream` or `poll`. */
  kinds() {
    return [...this.waiting].map(({ kind }) => kind)
  }

  /** From now on; what is under way breaks off. */
  become(mode) {
    this.mode = mode
    for (const { response } of this.waiting) response.destroy()
  }

  pass(request, response) {
    const url = new URL(request.url, this.house)
    const kind = { '/api/v1/stream': 'stream', '/api/v1/poll': 'poll' }[url.pathname] ?? null
    const timeout = url.searchParams.get('timeout')
    this.asked.push({ call: `${request.method} ${url.pathname}`, kind, timeout, at: Date.now() })
    const onward = http.request(url, { method: request.method, headers: request.headers }, (answer) => {
      if (response.headersSent) return
      if (kind === 'stream' && this.mode !== 'fair') return this.hold(answer, response)
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
    const place = { kind, response }
    if (kind !== null && timeout !== '0') this.waiting.add(place)
    const cut = kind === 'poll' && this.mode === 'cuts' ? setTimeout(() => this.cut(response), CUT_MS) : undefined
    response.on('close', () => {
      clearTimeout(cut)
      this.waiting.delete(place)
      onward.destroy()
    })
  }

  hold(answer, response) {
    const pieces = []
    answer.on('data', (piece) => pieces.push(piece))
    answer.on('end', () => response.writeHead(answer.statusCode, answer.headers).end(Buffer.concat(pieces)))
  }

  cut(response) {
    if (!response.headersSent) response.writeHead(504, { 'Content-Type': 'text/html' }).end('<h1>Gateway time-out</h1>')
  }

  async close() {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
