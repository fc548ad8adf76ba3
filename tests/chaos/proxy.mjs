// What stands between the house's processes and their MariaDB and Redis: a thread that passes bytes on, and on command
// loses, delays or swallows some of them. It knows just enough of both protocols for that.
//
//   pass                 everything goes through
//   away                 every connection is cut, new ones too
//   cut                  nothing arrives until it is over, as between machines whose network is cut apart: no reset, no end
//   slow                 each answer comes later, by `ms` on average
//   Redis: bells         RPUSH to a bell is answered as if it had happened (LLEN goes in its place)
//   Redis: popped        the answer that brings elements from a bell is lost with its connection
//   MariaDB: late        a COMMIT arrives `ms` later
//   MariaDB: kept        a COMMIT happens, and its answer comes `ms` later
//   MariaDB: unasked     a COMMIT is cut off before it arrives
//   MariaDB: unanswered  a COMMIT happens, and its answer is lost with the connection
import { unlinkSync } from 'node:fs'
import net from 'node:net'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'

const COMMIT = Buffer.from('COMMIT')
const CRLF = Buffer.from('\r\n')

/** Passes parts on in order, each after a delay of its moment; during a cut it keeps them. */
class Lane {
  constructor(to, how) {
    Object.assign(this, { to, how, due: 0, waiting: [], kept: [] })
  }

  release() {
    for (const [part, ms] of this.kept.splice(0)) this.push(part, ms)
  }

  push(part, ms) {
    if (this.how.mode === 'cut') return void this.kept.push([part, ms])
    this.due = Math.max(this.due, performance.now() + ms)
    this.waiting.push([part, this.due])
    if (this.waiting.length === 1) this.pass()
  }

  /** One timer for all: two that are due at the same moment may fire in any order. */
  pass() {
    const now = performance.now()
    while (this.waiting.length && this.waiting[0][1] <= now) this.to.write(this.waiting.shift()[0])
    if (this.waiting.length) setTimeout(() => this.pass(), this.waiting[0][1] - now)
  }
}

/** The end of the first whole RESP command in a buffer and its first words, or null. */
function command(buffer) {
  let at = buffer.indexOf(CRLF)
  if (at < 0 || buffer[0] !== 42) return null // *
  const count = Number(buffer.toString('latin1', 1, at))
  const words = []
  at += 2
  for (let i = 0; i < count; i++) {
    const end = buffer.indexOf(CRLF, at)
    if (end < 0) return null
    const size = Number(buffer.toString('latin1', at + 1, end))
    if (buffer.length < end + 2 + size + 2) return null
    if (i < 2) words.push(buffer.toString('latin1', end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
  return { end: at, words }
}

const resp = (words) => Buffer.from(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`)

/** Redis: what goes up is taken apart into commands. */
class RedisWatch {
  constructor(how) {
    this.how = how
    this.rest = Buffer.alloc(0)
    this.pops = false
  }

  up(part, pass) {
    this.rest = this.rest.length ? Buffer.concat([this.rest, part]) : part
    let kept = 0
    const out = []
    for (let next; (next = command(this.rest.subarray(kept))); kept += next.end) {
      const [verb, key = ''] = next.words
      this.pops = verb.startsWith('BL')
      const swallow = this.how.mode === 'bells' && verb === 'RPUSH' && key.startsWith('ph:bell:')
      if (swallow) this.how.count++
      out.push(swallow ? resp(['LLEN', key]) : this.rest.subarray(kept, kept + next.end))
    }
    this.rest = this.rest.subarray(kept)
    if (out.length) pass(Buffer.concat(out))
    return true
  }

  down(part) {
    return !(this.how.mode === 'popped' && this.pops && part.includes('ph:bell:'))
  }
}

/** MariaDB: a text that ends in COMMIT is one. */
class DatabaseWatch {
  constructor(how) {
    this.how = how
    this.tail = Buffer.alloc(0)
    this.commits = false // what was asked last
    this.swallows = false
  }

  up(part, pass) {
    this.tail = Buffer.concat([this.tail, part.subarray(-COMMIT.length)]).subarray(-COMMIT.length)
    this.commits = this.tail.equals(COMMIT)
    if (this.commits && this.how.mode === 'unasked') return false
    this.swallows = this.commits && this.how.mode === 'unanswered' // also when the mode has changed until the answer comes
    pass(part, this.commits && this.how.mode === 'late' ? this.how.ms : 0)
    return true
  }

  down() {
    return !this.swallows
  }
}

function open({ kind, listen, target }, how) {
  const all = new Set()
  const server = net.createServer((client) => {
    if (how.mode === 'away') return client.destroy()
    const behind = net.connect(target)
    const pair = { client, behind }
    const end = () => {
      client.destroy()
      behind.destroy()
      all.delete(pair)
    }
    const lost = () => {
      how.count++
      end()
    }
    const watch = kind === 'redis' ? new RedisWatch(how) : new DatabaseWatch(how)
    const delay = () => {
      if (how.mode === 'slow') return how.ms * 2 * Math.random()
      return how.mode === 'kept' && watch.commits ? how.ms : 0
    }
    const up = new Lane(behind, how)
    const down = new Lane(client, how)
    Object.assign(pair, { up, down, end })
    all.add(pair)
    client.on('data', (part) => watch.up(part, (bytes, ms = 0) => up.push(bytes, ms)) || lost())
    behind.on('data', (part) => (watch.down(part) ? down.push(part, delay()) : lost()))
    for (const socket of [client, behind]) socket.on('error', end).on('close', end)
  })
  try {
    unlinkSync(listen)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  server.listen(listen, () => parentPort.postMessage({ listens: kind }))
  return all
}

if (!isMainThread) {
  const ways = new Map(workerData.map((way) => {
    const how = { mode: 'pass', ms: 0, count: 0 }
    return [way.kind, { how, all: open(way, how) }]
  }))
  parentPort.on('message', ({ kind, mode, ms = 0 }) => {
    const { how, all } = ways.get(kind)
    const count = how.count
    Object.assign(how, { mode, ms, count: 0 })
    if (mode === 'away') for (const pair of [...all]) pair.end()
    for (const { up, down } of all) {
      up.release()
      down.release()
    }
    parentPort.postMessage({ kind, count })
  })
}

/** @param ways [{kind: 'redis'|'mariadb', listen, target}] */
export async function openProxy(ways) {
  const worker = new Worker(new URL(import.meta.url), { workerData: ways })
  let listening = 0
  await new Promise((resolve, reject) => {
    worker.on('error', reject)
    worker.on('message', ({ listens }) => listens && ++listening === ways.length && resolve())
  })
  return {
    /** From now on; how many times the former mode struck. */
    set: (kind, mode, ms) =>
      new Promise((resolve) => {
        const heard = (answer) => {
          if (answer.kind !== kind) return
          worker.off('message', heard)
          resolve(answer.count)
        }
        worker.on('message', heard)
        worker.postMessage({ kind, mode, ms })
      }),
    close: () => worker.terminate(),
  }
}
