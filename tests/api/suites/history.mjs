// History: pages before, around and after, what they cover, and what a former friend still reads.
import assert from 'node:assert/strict'

import { friends, ok, refused, test } from '../client.mjs'

const N = 12 // the system entry and eleven texts

async function conversationOf(n) {
  const [a, b, conversation] = await friends()
  for (let i = 2; i <= n; i++) await (i % 2 ? a : b).say(conversation, `entry ${i}`)
  const read = async (query, person = a) => ok(await person.get(`/conversations/${conversation}/messages${query}`))
  return { a, b, conversation, read }
}

const seqs = (page) => page.items.map((item) => item.seq)
const down = (high, low) => Array.from({ length: Math.max(0, high - low + 1) }, (_, i) => high - i)
const up = (low, high) => down(high, low).reverse()

test('before: newest first, at every boundary', async () => {
  const { read } = await conversationOf(N)
  for (const [before, limit] of [[N + 1, 5], [N + 100, 5], [6, 5], [6, 6], [6, 4], [2, 50], [1, 50], [N, 200], [3, 1]]) {
    const page = await read(`?before_seq=${before}&limit=${limit}`)
    const high = Math.min(before - 1, N)
    const low = Math.max(1, high - limit + 1)
    assert.deepEqual(seqs(page), down(high, low), `before ${before}, ${limit}`)
    assert.equal(page.last_seq, N)
    if (high >= low) assert.deepEqual(page.covers, [low, high], `before ${before}, ${limit}`)
    else assert.equal(page.covers, null)
  }
})

test('without a place: the newest', async () => {
  const { read } = await conversationOf(N)
  assert.deepEqual(seqs(await read('?limit=3')), down(N, N - 2))
  assert.deepEqual(seqs(await read('')), down(N, 1))
})

test('around: itself included, in one piece, never more than the limit', async () => {
  const { read } = await conversationOf(N)
  for (const [around, limit] of [[6, 5], [6, 4], [1, 5], [N, 5], [2, 200], [6, 1], [N + 50, 5]]) {
    const page = await read(`?around_seq=${around}&limit=${limit}`)
    const got = seqs(page)
    assert.ok(got.length <= limit && got.length > 0, `around ${around}, ${limit}: ${got}`)
    assert.deepEqual(got, down(got[0], got.at(-1)), 'no hole')
    if (around <= N) assert.ok(got.includes(around), `around ${around}, ${limit}: ${got}`)
    assert.deepEqual(page.covers, [got.at(-1), got[0]])
  }
})

test('after: the log in order, no seq left out, up to the end', async () => {
  const { read } = await conversationOf(N)
  for (const [after, limit] of [[0, 5], [0, 200], [5, 3], [N - 1, 5], [N, 5], [N + 3, 5]]) {
    const page = await read(`?after_seq=${after}&limit=${limit}`)
    const high = Math.min(N, after + limit)
    assert.deepEqual(seqs(page), up(after + 1, high), `after ${after}, ${limit}`)
    if (after < high) assert.deepEqual(page.covers, [after + 1, high])
    else assert.equal(page.covers, null)
    assert.equal(page.last_seq, N)
  }
})

test('walking back and walking forward both see the whole log once', async () => {
  const { read } = await conversationOf(N)
  for (const limit of [1, 2, 5, N]) {
    const back = []
    for (let page = await read(`?limit=${limit}`); page.items.length; ) {
      back.push(...seqs(page))
      page = await read(`?before_seq=${page.covers[0]}&limit=${limit}`)
    }
    assert.deepEqual(back, down(N, 1))
    const forward = []
    for (let page = await read(`?after_seq=0&limit=${limit}`); page.items.length; ) {
      forward.push(...seqs(page))
      page = await read(`?after_seq=${page.covers[1]}&limit=${limit}`)
    }
    assert.deepEqual(forward, up(1, N))
  }
})

test('both read the same, also after the friendship ended, from another device, while blocked', async () => {
  const { a, b, read } = await conversationOf(N)
  const whole = await read('?after_seq=0')
  ok(await a.delete(`/friends/${b.id}`), 204)
  ok(await b.put(`/blocks/${a.id}`))
  for (const person of [a, b, await a.login()]) assert.deepEqual(await read('?after_seq=0', person), whole)
})

test('two places at once are invalid', async () => {
  const { a, conversation } = await conversationOf(2)
  for (const query of ['before_seq=2&after_seq=1', 'around_seq=1&after_seq=0', 'before_seq=2&around_seq=1']) {
    refused(await a.get(`/conversations/${conversation}/messages?${query}`), 400, 'invalid_request')
  }
})
