// An OpenAI-compatible server that does on demand what no real one does: POST …/<what>/chat/completions answers as `what`
// says. It keeps what it was asked.
import http from 'node:http'

const chunk = (content, more = {}) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }], ...more })}\n\n`
const END = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
const USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":30,"completion_tokens":20,"total_tokens":50}}\n\n'
const DONE = 'data: [DONE]\n\n'
const HEAD = { 'content-type': 'text/event-stream' }

/** What the last person said to it, in words that the fine answer repeats. */
const lastOf = ({ messages }) => messages.at(-1).content

const status = (code, headers = {}) => (response) =>
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end('{"error":{"message":"no"}}')

/** what → (response, body, stub, request): how it answers. */
const ways = {
  fine(response, body) {
    response.writeHead(200, HEAD)
    response.write(': hello\n\n')
    for (const word of `You said: ${lastOf(body)}`.split(/(?<= )/)) response.write(chunk(word))
    response.end(END + USAGE + DONE)
  },
  /** A word, and more only when the test says so: next(). */
  slow(response, body, stub) {
    response.writeHead(200, HEAD)
    response.write(chunk('one '))
    stub.held.push({
      next: (word) => response.write(chunk(word)),
      end: () => response.end(END + USAGE + DONE),
      closed: new Promise((resolve) => response.on('close', resolve)),
    })
  },
  /** Every byte for itself, in characters of several bytes, with line ends of each kind. */
  split(response) {
    response.writeHead(200, HEAD)
    const bytes = Buffer.from(`\ufeff${chunk('你好 ')}: c\r\n\r\n${chunk('👍🏽é').replaceAll('\n', '\r\n')}${END}${DONE}`)
    let at = 0
    const next = () => {
      if (at === bytes.length) return response.end()
      response.write(bytes.subarray(at, ++at))
      setImmediate(next)
    }
    next()
  },
  401: status(401),
  429: status(429, { 'retry-after': '0' }),
  500: status(500),
  /** Once 429 with a pause that is said, then fine. */
  busy(response, body, stub, request) {
    if (stub.asked.filter(({ what }) => what === 'busy').length % 2) return status(429, { 'retry-after': '1' })(response)
    ways.fine(response, body, stub, request)
  },
  /** Says that it has begun, and nothing more. */
  thinking(response) {
    response.writeHead(200, HEAD).write(chunk(''))
  },
  hang() {},
  hanghead(response) {
    response.writeHead(200, HEAD).flushHeaders()
  },
  hangmiddle(response) {
    response.writeHead(200, HEAD).write(chunk('half a '))
  },
  truncated(response) {
    response.writeHead(200, HEAD).write(chunk('half an answer'), () => response.destroy())
  },
  unended(response) {
    response.writeHead(200, HEAD).end(chunk('half an answer'))
  },
  garbage(response) {
    response.writeHead(200, HEAD).end('data: {"choices": [\n\ndata: no\n\n')
  },
  errorinside(response) {
    response.writeHead(200, HEAD).end(`${chunk('well, ')}data: {"error":{"message":"overloaded"}}\n\n`)
  },
  empty(response) {
    response.writeHead(200, HEAD).end(END + DONE)
  },
  longline(response) {
    response.writeHead(200, HEAD).end(`data: ${'x'.repeat(10 << 20)}\n\n`)
  },
  endless(response) {
    response.writeHead(200, HEAD)
    const more = () => {
      while (!response.destroyed && response.write(chunk('and on and on 驿 ')));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  },
  /** What is asked for beside conversations: by the task, in the forms that models like. Words with "fail once" are refused once. */
  help(response, body, stub) {
    const [{ content: task }, { content: words }] = body.messages
    if (words.includes('fail once') && stub.asked.filter(({ body: other }) => other.messages.at(-1).content === words).length === 1)
      return status(401)(response)
    const numbers = [...words.matchAll(/^\[(\d+)\]/gm)].map(([, n]) => n)
    const text = task.startsWith('Translate') ? `<${/the language ([\w-]+)/.exec(task)[1]}> ${words}`
      : /short replies/.test(task) ? '1. "Yes, gladly"\n2) 好的\n\n- Not today\n- one too many'
        : `- First this [${numbers[0]}][999999]\n* Then that [${numbers.at(-1)}, ${numbers[0]}] and [so] on`
    response.writeHead(200, HEAD).end(chunk(text) + END + USAGE + DONE)
  },
  redirect: status(302, { location: 'http://127.0.0.1:1/' }),
}

/** {url(what), asked: [{what, body, authorization}], held: those of `slow` that wait, close()} */
export async function openStub() {
  const stub = { asked: [], held: [] }
  const server = http.createServer((request, response) => {
    const what = /^\/([a-z0-9]+)\/chat\/completions$/.exec(request.url)?.[1]
    let text = ''
    request.setEncoding('utf8').on('data', (part) => (text += part))
    request.on('end', () => {
      response.on('error', () => {})
      if (!ways[what] || request.method !== 'POST') return status(404)(response)
      const body = JSON.parse(text)
      stub.asked.push({ what, body, authorization: request.headers.authorization })
      ways[what](response, body, stub, request)
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  stub.url = (what) => `http://127.0.0.1:${server.address().port}/${what}`
  stub.ways = Object.keys(ways)
  stub.close = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  return stub
}
