// Requests as a device makes them: over several kept connections, over one of its own, cut off at some byte, or past nginx
// straight to one process of a handler. An answer is {status, id, body}; a lost one is an Error.
import http from 'node:http'
import net from 'node:net'

const CONNECTIONS = 4 // pools of kept connections, so that a retry rarely takes the way of the first try
const pools = Array.from({ length: CONNECTIONS }, () => new http.Agent({ keepAlive: true, maxSockets: Infinity }))

function parsed(status, id, text) {
  try {
    return { status, id, body: text ? JSON.parse(text) : null }
  } catch {
    throw new Error(`${status} with a body that is not JSON: ${text.slice(0, 200)}`)
  }
}

/** @param way 0 … 3: one of the kept pools; -1: a connection of its own. */
export function ask(base, { method = 'GET', path, token, body, timeoutMs, way = 0, signal }) {
  const text = body === undefined ? undefined : JSON.stringify(body)
  const headers = {}
  if (token) headers.authorization = `Bearer ${token}`
  if (text !== undefined) Object.assign(headers, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  return new Promise((resolve, reject) => {
    const options = { method, headers, agent: way < 0 ? false : pools[way % CONNECTIONS], signal }
    const request = http.request(base + path, options, (response) => {
      const parts = []
      response.on('data', (part) => parts.push(part))
      response.on('error', reject)
      response.on('aborted', () => reject(new Error('cut off')))
      response.on('end', () => {
        clearTimeout(timer)
        try {
          resolve(parsed(response.statusCode, response.headers['x-request-id'], Buffer.concat(parts).toString()))
        } catch (error) {
          reject(error)
        }
      })
    })
    const timer = setTimeout(() => request.destroy(new Error('no answer')), timeoutMs)
    request.on('error', (error) => {
      clearTimeout(timer)
      // A kept connection may be closed by the other side at the very moment when it is used again.
      reject(request.reusedSocket ? new Error(`${error.message} on a kept connection`) : error)
    })
    request.end(text)
  })
}

/** Sends a request and hangs up after `bytes` of the answer or after a while. Nothing of it reaches the device. */
export function cutOff(base, { path, token, bytes, afterMs }) {
  const { hostname, port, pathname } = new URL(base + path)
  return new Promise((resolve) => {
    let got = 0
    const socket = net.connect(Number(port), hostname)
    const end = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(got)
    }
    const timer = setTimeout(end, afterMs)
    socket.on('data', (part) => (got += part.length) >= bytes && end())
    socket.on('error', end)
    socket.on('close', end)
    socket.write(`GET ${pathname}${new URL(base + path).search} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n` +
      `Authorization: Bearer ${token}\r\n\r\n`)
  })
}

// ---- streams ----
/** Takes server-sent events apart: whole messages go to `message(id, data)`, whatever is not whole to nobody. */
function sse(message) {
  let rest = ''
  return (text) => {
    const blocks = (rest + text).split('\n\n')
    rest = blocks.pop()
    for (const block of blocks) {
      const lines = block.split('\n').filter((line) => !line.startsWith(':'))
      const of = (name) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      if (lines.length) message(of('id'), JSON.parse(of('data')))
    }
  }
}

/**
 * Listens until the stream ends, is silent for too long, brought `bytes`, or `leaveMs` are over:
 * {status, messages, body of a refusal, why}. Whole messages were given to message(cursor, body) by then.
 */
export function stream(base, { path, token, bytes, leaveMs, silenceMs, signal, message }) {
  return new Promise((resolve) => {
    const end = { status: 0, messages: 0, body: null, why: undefined }
    let got = 0
    let refusal = ''
    let isOver = false
    const decoder = new TextDecoder()
    const read = sse((id, data) => {
      end.messages++
      message(id, data)
    })
    const request = http.request(base + path, { headers: { authorization: `Bearer ${token}` }, agent: false, signal })
    const done = (why) => {
      clearTimeout(leave)
      request.destroy()
      if (isOver) return
      isOver = true
      try {
        if (end.status !== 200) end.body = JSON.parse(refusal)
      } catch {
        end.status = 0 // half a refusal says nothing
      }
      resolve({ ...end, why })
    }
    const leave = setTimeout(() => done('left'), leaveMs)
    request.setTimeout(silenceMs, () => done('silence'))
    request.on('error', (error) => done(error.message))
    request.on('response', (response) => {
      end.status = response.statusCode
      response.on('data', (part) => {
        const text = decoder.decode(part.subarray(0, bytes - got), { stream: true })
        got += part.length
        if (end.status === 200) read(text)
        else refusal += text
        if (got >= bytes) done('cut off')
      })
      response.on('error', (error) => done(error.message))
      response.on('close', () => done('ended'))
    })
    request.end()
  })
}

// ---- straight to a process, in FastCGI ----
const [BEGIN, END, PARAMS, STDIN, STDOUT] = [1, 3, 4, 5, 6]

function record(type, content) {
  const head = Buffer.from([1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0])
  return Buffer.concat([head, content])
}

const length = (n) => (n < 128 ? Buffer.from([n]) : Buffer.from([0x80 | (n >> 24), n >> 16, n >> 8, n]))

function params(values) {
  return Buffer.concat(Object.entries(values).flatMap(([name, value]) =>
    [length(name.length), length(Buffer.byteLength(value)), Buffer.from(name), Buffer.from(value)]))
}

function cgiAnswer(text) {
  const [, head, body] = /^([\s\S]*?)\r\n\r\n([\s\S]*)$/.exec(text) ?? [undefined, '', '']
  const status = Number(/^Status: (\d+)/im.exec(head)?.[1] ?? 200)
  return parsed(status, /^X-Request-Id: (\S+)/im.exec(head)?.[1], body)
}

/** The same request to the process behind one unix socket, as nginx would ask it. */
export function askProcess(socketPath, { method, path, token, body, timeoutMs }) {
  const text = Buffer.from(JSON.stringify(body))
  const values = { REQUEST_METHOD: method, REQUEST_URI: path, CONTENT_TYPE: 'application/json', CONTENT_LENGTH: String(text.length),
    REMOTE_ADDR: '127.0.0.1', HTTP_AUTHORIZATION: `Bearer ${token}` }
  return new Promise((resolve, reject) => {
    let waiting = Buffer.alloc(0)
    const said = []
    const socket = net.connect(socketPath)
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), timeoutMs)
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      reject(new Error('hung up'))
    })
    socket.on('data', (part) => {
      waiting = Buffer.concat([waiting, part])
      while (waiting.length >= 8) {
        const size = waiting.readUInt16BE(4)
        if (waiting.length < 8 + size + waiting[6]) return
        if (waiting[1] === STDOUT) said.push(waiting.subarray(8, 8 + size))
        if (waiting[1] === END) {
          try {
            resolve(cgiAnswer(Buffer.concat(said).toString()))
          } catch (error) {
            reject(error)
          }
          socket.destroy()
          return
        }
        waiting = waiting.subarray(8 + size + waiting[6])
      }
    })
    const empty = Buffer.alloc(0)
    socket.write(Buffer.concat([record(BEGIN, Buffer.from([0, 1, 0, 0, 0, 0, 0, 0])), record(PARAMS, params(values)), record(PARAMS, empty),
      ...(text.length ? [record(STDIN, text)] : []), record(STDIN, empty)]))
  })
}
