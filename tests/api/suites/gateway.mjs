// What stands before the handlers: CORS, the method override, errors of nginx itself, request ids, open routes, CGI.
import assert from 'node:assert/strict'
import { connect } from 'node:net'

import { Person, call, checkOne, house, ok, refused, test, until } from '../client.mjs'
import { CORS_ORIGIN, cgi } from '../house.mjs'

/** What has come of an answer: the whole of it, or undefined. */
function parsed(text, isHead) {
  const [, head, rest] = /^(.*?)\r\n\r\n(.*)$/s.exec(text) ?? []
  if (head === undefined) return undefined
  const [line, ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(lines.map((row) => [row.split(':')[0].toLowerCase(), row.slice(row.indexOf(':') + 1).trim()]))
  const status = Number(line.split(' ')[1])
  if (!isHead && Buffer.byteLength(rest) < Number(headers['content-length'] ?? 0)) return undefined
  const body = rest && /json/.test(headers['content-type'] ?? '') ? JSON.parse(rest) : undefined
  return { method: 'GET', path: '/nowhere', status, headers, text: rest, body, id: headers['x-request-id'] }
}

/** Sends bytes as they are; the answer, as soon as it is there. */
function bytes(text) {
  return new Promise((resolve, reject) => {
    const socket = connect(house.port, '127.0.0.1')
    let answer = ''
    const look = (data) => {
      answer += data
      const whole = parsed(answer, text.startsWith('HEAD '))
      if (whole) resolve(whole)
      if (whole) socket.destroy()
    }
    socket.setEncoding('utf8').on('data', look).on('error', reject)
    socket.on('close', () => reject(new Error(`no whole answer: ${answer}`)))
    socket.write(text)
  })
}
const request = (line, headers = [], body = '') =>
  bytes([line, 'Host: localhost', 'Connection: close', ...headers, '', body].join('\r\n'))

test('GET /server is open and says what the house is', async () => {
  const before = Date.now()
  const answer = await call('GET', '/server')
  const server = ok(answer)
  assert.equal(server.registration, 'open')
  assert.equal(server.limits.text_length, 8000)
  assert.equal(server.limits.body_bytes, 65536)
  assert.equal(server.limits.poll_timeout, 280)
  assert.equal(server.limits.page_size, 200)
  assert.equal(server.limits.file_bytes, 1024 * 2 ** 20)
  assert.equal(server.limits.file_quota_bytes, 10240 * 2 ** 20)
  assert.ok(server.now_at >= before && server.now_at <= Date.now(), 'the time of the house')
})

test('healthz and readyz, with the prefix and without', async () => {
  for (const path of ['/healthz', '/readyz']) {
    assert.deepEqual(ok(await call('GET', path)), { status: 'ok' })
    assert.deepEqual(ok(await call('GET', path, { whole: true })), { status: 'ok' })
  }
})

test('every answer has a request id of the house, its own each time', async () => {
  const ids = new Set()
  for (const path of ['/api/v1/server', '/api/v1/nowhere', '/api/v1/me', '/', '/assets/nowhere.js']) {
    const answer = await call('GET', path, { whole: true, check: false, headers: { 'x-request-id': 'mine' } })
    assert.match(answer.id, /^[0-9a-f]{32}$/, path)
    ids.add(answer.id)
  }
  assert.equal(ids.size, 5)
})

test('a traceparent is kept in the log line of the request', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const answer = await call('GET', '/server', { headers: { traceparent } })
  const lines = await house.logged(answer.id)
  assert.ok(lines.some((line) => line.includes('4bf92f3577b34da6a3ce929d0e0e4736')), lines.join('\n'))
})

test('one structured log line per request, without bodies, tokens or passwords', async () => {
  const person = await Person.register()
  const answer = await person.patch('/me', { signature: 'a-very-private-signature' })
  const [line, ...more] = await house.logged(answer.id)
  assert.deepEqual(more, [])
  const row = JSON.parse(line)
  assert.deepEqual([row.request_id, row.process, row.level], [answer.id, 'login', 'info'])
  for (const secret of ['a-very-private-signature', person.token, person.refreshToken, person.password]) {
    assert.deepEqual(await house.logged(secret), [])
  }
})

test('the token of a link is in no log, neither when it is used nor when nginx refuses it', async () => {
  const person = await Person.register()
  const group = ok(await person.post('/groups', { name: 'logs' }), 201).id
  const { token } = ok(await person.post(`/groups/${group}/invite-links`, {}), 201)
  const used = await person.get(`/join/${token}`)
  const large = await person.post(`/join/${token}`, { padding: 'x'.repeat(70_000) })
  ok(used)
  refused(large, 413, 'too_large')
  for (const { id } of [used, large]) await until('a line in the log', async () => (await house.logged(id)).length === 1)
  assert.deepEqual(await house.logged(token), [])
})

test('errors that nginx answers speak the same language', async () => {
  const person = await Person.register()
  const cases = [
    [await person.get('/nowhere'), 404, 'not_found'],
    [await person.get('/me/nowhere'), 404, 'not_found'],
    [await call('GET', '/api/v2/me', { whole: true }), 404, 'not_found'],
    [await person.delete('/server'), 404, 'not_found'],
    [await person.put('/me', {}), 404, 'not_found'],
    [await person.post('/register', { padding: 'x'.repeat(70_000) }), 413, 'too_large'],
    [await request('TRACE /api/v1/me HTTP/1.1'), 404, 'not_found'],
    [await request('BREW /api/v1/me HTTP/1.1'), 404, 'not_found'],
    [await request(`GET /api/v1/${'x'.repeat(20_000)} HTTP/1.1`), 400, 'invalid_request'],
    [await request('GET /api/v1/server HTTP/1.1', [`X-Long: ${'x'.repeat(20_000)}`]), 400, 'invalid_request'],
    [await request('GET /api/v1/server HTTP/1.1', Array.from({ length: 12 }, (_, i) => `X-${i}: ${'x'.repeat(6000)}`)), 400, 'invalid_request'],
    [await request('POST /api/v1/login HTTP/1.1', ['Content-Length: 99999999']), 413, 'too_large'],
  ]
  for (const [answer, status, code] of cases) {
    checkOne({ ...answer, path: '/nowhere' })
    refused(answer, status, code)
  }
})

test('a POST without a length, or in chunks, is answered', async () => {
  const none = await request('POST /api/v1/login HTTP/1.1')
  assert.ok([400, 411].includes(none.status), none.text)
  const body = JSON.stringify({ username: 'nobody', password: 'x', device: { name: 'x', platform: 'web' } })
  const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  const chunked = await request('POST /api/v1/login HTTP/1.1', ['Transfer-Encoding: chunked', 'Content-Type: application/json'], chunk)
  assert.ok([403, 411].includes(chunked.status), chunked.text)
})

test('CORS: the listed origin may, others may not', async () => {
  const preflight = (origin) => call('OPTIONS', '/conversations/1/messages', {
    check: false,
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' },
  })
  const allowed = await preflight(CORS_ORIGIN)
  assert.equal(allowed.status, 204)
  assert.equal(allowed.headers['access-control-allow-origin'], CORS_ORIGIN)
  for (const name of ['authorization', 'content-type', 'idempotency-key', 'x-http-method-override']) {
    assert.ok(allowed.headers['access-control-allow-headers'].toLowerCase().includes(name), name)
  }
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) assert.ok(allowed.headers['access-control-allow-methods'].includes(method))
  const refusedOrigin = await preflight('https://evil.example.com')
  assert.equal(refusedOrigin.headers['access-control-allow-origin'], undefined)
  for (const [path, status] of [['/server', 200], ['/me', 401], ['/nowhere', 404]]) {
    const answer = await call('GET', path, { headers: { origin: CORS_ORIGIN } })
    assert.equal(answer.status, status)
    assert.equal(answer.headers['access-control-allow-origin'], CORS_ORIGIN, path)
    assert.match(answer.headers['access-control-expose-headers'], /X-Request-Id/i)
    const other = await call('GET', path, { headers: { origin: `${CORS_ORIGIN}.evil.com` } })
    assert.equal(other.headers['access-control-allow-origin'], undefined)
  }
})

test('X-HTTP-Method-Override serves networks that block PUT, PATCH and DELETE', async () => {
  const [a, b] = await Person.some(2)
  const as = (method) => ({ headers: { 'x-http-method-override': method } })
  assert.equal(ok(await a.post('/me', { nickname: '改了' }, as('PATCH'))).nickname, '改了')
  ok(await a.post(`/blocks/${b.id}`, undefined, as('PUT')))
  ok(await a.post(`/blocks/${b.id}`, undefined, as('DELETE')), 204)
  refused(await a.post('/me', { nickname: 'x' }, { ...as('GET'), check: false }), 404, 'not_found')
  refused(await a.post('/me', { nickname: 'x' }, { ...as('BREW'), check: false }), 404, 'not_found')
  // Only on POST.
  assert.equal(ok(await a.get('/me', { headers: { 'x-http-method-override': 'DELETE' } })).id, a.id)
})

test('HEAD is a GET without its body', async () => {
  const answer = await request('HEAD /api/v1/server HTTP/1.1')
  assert.equal(answer.status, 200)
  assert.equal(answer.text, '')
})

test('answers that hold something personal are not kept by caches', async () => {
  const person = await Person.register()
  for (const path of ['/me', '/friends', '/conversations', '/poll?timeout=0']) {
    assert.match((await person.get(path)).headers['cache-control'] ?? '', /no-store/, path)
  }
})

test('the page itself: security headers, one page for every path of its own', async () => {
  for (const path of ['/', '/chats/1']) {
    const answer = await call('GET', path, { whole: true, check: false })
    assert.equal(answer.status, 200)
    assert.match(answer.headers['content-type'], /^text\/html/)
    assert.match(answer.headers['content-security-policy'], /default-src 'self'/)
    assert.equal(answer.headers['x-content-type-options'], 'nosniff')
  }
})

test('a handler without a socket answers one plain CGI request', async () => {
  const answer = await cgi('login', { uri: '/api/v1/server' })
  assert.equal(ok(answer).registration, 'open')
  refused(await cgi('login', { uri: '/api/v1/me' }), 401, 'unauthenticated')
  refused(await cgi('login', { uri: '/api/v1/nowhere' }), 404, 'not_found')
  refused(await cgi('login', { method: 'POST', uri: '/api/v1/login', body: '{' }), 400, 'invalid_request')
  for (const program of ['friends', 'groups', 'messages', 'history', 'poll', 'ai']) {
    refused(await cgi(program, { uri: '/api/v1/nowhere' }), 404, 'not_found')
  }
})
