// What a slow way must not do: change the order. A connection delivers late or not at all, never something else first.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { openProxy } from './proxy.mjs'

const PARTS = 500

test('a slow way keeps the order', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'posthouse-proxy.'))
  const way = { kind: 'redis', listen: join(folder, 'via'), target: join(folder, 'target') }
  const server = net.createServer((socket) => {
    let n = 0
    const beat = setInterval(() => (n < PARTS ? socket.write(`${n++}\n`) : clearInterval(beat)), 1)
  })
  await new Promise((done) => server.listen(way.target, done))
  const proxy = await openProxy([way])
  try {
    await proxy.set('redis', 'slow', 20)
    const heard = await new Promise((done, failed) => {
      let text = ''
      const socket = net.connect(way.listen).on('error', failed)
      socket.on('data', (part) => {
        text += part
        if (text.split('\n').length > PARTS) done(text.trimEnd().split('\n').map(Number))
      })
    })
    assert.deepEqual(heard, Array.from({ length: PARTS }, (_, n) => n))
  } finally {
    await proxy.close()
    server.close()
    await rm(folder, { recursive: true })
  }
})
