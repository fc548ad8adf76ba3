// HTTP by hand, for what no client would send: bodies that are cut off, slow, or of another length than was said.
import { connect } from 'node:net'

import { house } from './client.mjs'

/** A connection on which the head of a request was sent; `answer` resolves to {status, code, text} once there is one. */
export async function open(method, path, headers) {
  const socket = connect(house.port, '127.0.0.1')
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  socket.on('error', () => {})
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`${method} /api/v1${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
  let text = ''
  const answer = new Promise((resolve) => {
    const done = () => resolve({
      status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), code: /"code":"(\w+)"/.exec(text)?.[1], text,
    })
    socket.on('data', (data) => {
      text += data.toString('latin1')
      if (/^HTTP\/1\.1 204[^]*\r\n\r\n|\r\n\r\n[^]*\}$/.test(text)) done()
    })
    socket.on('close', done)
  })
  return { socket, answer, send: (bytes) => new Promise((resolve) => socket.write(bytes, resolve)), cut: () => socket.destroy() }
}
