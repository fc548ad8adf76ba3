// A proxy before an S3 server that makes trouble when it is told to.
import http from 'node:http'
import { Agent } from 'node:http'

/**
 * {endpoint, trouble, close()}. `trouble.of(request)` gives what happens to a request: nothing (it is passed on),
 * {status}: this instead of asking; {answer: fn(response)}: changes {status, headers} of the server's answer;
 * {lose: true}: it is done, and the connection ends without an answer; {cut: n}: the answer ends after n bytes;
 * {hold: true}: nobody answers.
 */
export async function openProxy(target) {
  const { port: targetPort } = new URL(target)
  const agent = new Agent({ keepAlive: true })
  const trouble = { of: () => undefined, seen: [] }
  const server = http.createServer((request, response) => {
    const what = trouble.of(request) ?? {}
    trouble.seen.push(`${request.method} ${request.url.split('?')[0]}`)
    if (what.hold) return
    if (what.status) {
      request.resume().on('end', () => response.writeHead(what.status, { 'content-length': 0 }).end())
      return
    }
    const onward = http.request({ host: '127.0.0.1', port: targetPort, agent, method: request.method, path: request.url, headers: request.headers })
    onward.on('error', () => response.destroy())
    request.on('error', () => onward.destroy())
    request.on('close', () => request.complete || onward.destroy())
    request.pipe(onward)
    onward.on('response', (answer) => {
      const changed = { status: answer.statusCode, headers: { ...answer.headers } }
      what.answer?.(changed)
      if (what.lose) {
        answer.resume().on('end', () => response.destroy())
        return
      }
      response.writeHead(changed.status, changed.headers)
      if (what.cut === undefined) {
        answer.pipe(response)
        return
      }
      answer.once('data', (data) => response.write(data.subarray(0, what.cut), () => response.destroy()))
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${server.address().port}`,
    trouble,
    close: () => {
      agent.destroy()
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}
