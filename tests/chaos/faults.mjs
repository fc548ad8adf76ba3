// What is done to a house while people talk. Each fault has a kind, a subject (two faults of one subject never overlap),
// and one function that begins it, holds it and ends it; when that returns, the house may heal.
//
// Network namespaces cut apart would need the house's servers on TCP; here they are on unix sockets, as on any single
// machine. "cut off" is what such a cut does to a process, made by the proxy: what was sent does not arrive, nothing is reset,
// nothing ends, and when the cut is mended what was sent comes.
import { execFile } from 'node:child_process'
import { appendFile, cp, readdir, rm, statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { until } from '../lib/house.mjs'
import { pause } from './client.mjs'

const HANDLERS = ['login', 'friends', 'groups', 'messages', 'history', 'poll', 'ai']
const EVERYBODY = [...HANDLERS, 'courier', 'redis', 'mariadb', 'nginx']
const BACK_MS = 40_000
const CLOSE_BYTES = 16 << 20
const execute = promisify(execFile)

export class Faults {
  /** @param random its own generator, so that what happens when is the seed's choice alone */
  constructor({ house, proxy, history, random, isDiskOurs }) {
    Object.assign(this, { house, proxy, history, random, isDiskOurs })
    this.busy = new Set() // subjects
    this.counts = new Map()
    this.all = this.list()
  }

  between(low, high) {
    return low + (high - low) * this.random()
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)]
  }

  async one(program) {
    const all = Object.entries(await this.house.processes()).filter(([name]) => name.split('.')[0] === program)
    const [name, { pid }] = this.pick(all)
    return { name, pid }
  }

  /** The whole of nginx is a process group; anything else is one process. */
  signal({ name, pid }, signal) {
    try {
      process.kill(name === 'nginx' ? -pid : pid, signal)
    } catch (error) {
      if (error.code !== 'ESRCH') throw error // it died meanwhile
    }
  }

  running = () => until('everything runs again', async () =>
    Object.values(await this.house.processes()).every(({ state }) => state === 'RUNNING'), { deadlineMs: BACK_MS, everyMs: 50 })

  async kill(program) {
    const victim = await this.one(program)
    if (!victim.pid) return
    this.signal(victim, 'SIGKILL')
    await until(`${victim.name} runs again`, async () => {
      const { pid, state } = (await this.house.processes())[victim.name]
      return state === 'RUNNING' && pid !== victim.pid
    }, { deadlineMs: BACK_MS, everyMs: 50 })
  }

  /** Kills every process of a program, as they are now, at the very moment when it is called. */
  async aimedAt(program) {
    const victims = Object.entries(await this.house.processes()).filter(([name]) => name.split('.')[0] === program)
    return () => this.strike({ kind: `kill ${program}`, subject: program, run: async () => {
      for (const [name, { pid }] of victims) this.signal({ name, pid }, 'SIGKILL')
      await this.running()
    } })
  }

  async freeze(program, ms) {
    const victim = await this.one(program)
    if (!victim.pid) return
    this.signal(victim, 'SIGSTOP')
    await pause(ms)
    this.signal(victim, 'SIGCONT')
  }

  /** The proxy does something for a while. */
  async through(kind, mode, ms, holdMs) {
    await this.proxy.set(kind, mode, ms)
    await pause(holdMs)
    const struck = await this.proxy.set(kind, 'pass')
    return { struck }
  }

  /** The proxy does something for as long as what is done meanwhile takes. */
  hold(kind, mode, ms, doing) {
    return this.strike({ kind: `${kind} ${mode}`, subject: kind, run: async () => {
      await this.proxy.set(kind, mode, ms)
      await doing()
      await this.proxy.set(kind, 'pass')
    } })
  }

  /** Stopped, and started again after a while. */
  async gone(program, ms) {
    await this.house.stop(program)
    await pause(ms)
    await this.house.start(program)
  }

  // ---- Redis goes back in time: to what its files were a moment ago ----
  async keepSnapshot() {
    const { folder } = this.house
    await rm(join(folder, 'redis.old'), { recursive: true, force: true })
    await cp(join(folder, 'redis'), join(folder, 'redis.old'), { recursive: true })
  }

  async restoreSnapshot() {
    const files = join(this.house.folder, 'redis')
    await this.house.stop('redis')
    await Promise.all((await readdir(files)).map((name) => rm(join(files, name), { recursive: true })))
    await cp(join(this.house.folder, 'redis.old'), files, { recursive: true })
    await this.house.start('redis')
  }

  async oldSnapshot() {
    await this.keepSnapshot()
    await pause(this.between(1000, 3000))
    await this.restoreSnapshot()
  }

  /** To a snapshot that was kept, as a fault. */
  restore() {
    return this.strike({ kind: 'old redis', subject: 'redis', run: () => this.restoreSnapshot() })
  }

  async fullRedis() {
    await this.house.redis('CONFIG', 'SET', 'maxmemory', '1')
    await pause(this.between(1000, 5000))
    await this.house.redis('CONFIG', 'SET', 'maxmemory', '0')
  }

  /** The file system that holds all data and logs has no byte left. */
  async fullDisk() {
    const ballast = join(this.house.folder, 'ballast')
    const left = async () => {
      const { bavail, bsize } = await statfs(this.house.folder)
      return bavail * bsize
    }
    // Most of it at once, and what is left then byte for byte: the house goes on writing.
    await execute('fallocate', ['--length', String(Math.max(1, await left() - CLOSE_BYTES)), ballast])
    await appendFile(ballast, Buffer.alloc(await left())).catch((error) => {
      if (error.code !== 'ENOSPC') throw error
    })
    await pause(this.between(2000, 5000))
    await unlink(ballast)
  }

  /** One of a kind, now. */
  of(kind) {
    return this.strike(this.all.find((fault) => fault.kind === kind))
  }

  list() {
    const { house } = this
    const row = (kind, subject, run) => ({ kind, subject, run })
    return [
      ...EVERYBODY.map((name) => row(`kill ${name}`, name, () => this.kill(name))),
      ...EVERYBODY.map((name) => row(`freeze ${name}`, name, () =>
        this.freeze(name, name === 'poll' ? 10_000 : this.between(300, name === 'mariadb' ? 2500 : 5000)))),
      ...HANDLERS.map((name) => row(`restart ${name}`, name, async () => void (await house.restart(name)))),
      row('reload nginx', 'nginx', async () => process.kill((await this.one('nginx')).pid, 'SIGHUP')),
      row('wipe redis', 'redis', async () => void (await house.redis('FLUSHALL'))),
      row('old redis', 'redis', () => this.oldSnapshot()),
      row('full redis', 'redis', () => this.fullRedis()),
      row('no bells', 'redis', () => this.through('redis', 'bells', 0, this.between(2000, 6000))),
      row('bells lost on the way', 'redis', () => this.through('redis', 'popped', 0, this.between(1000, 3000))),
      row('redis away', 'redis', () => this.through('redis', 'away', 0, this.between(500, 5000))),
      row('redis gone', 'redis', () => this.gone('redis', 8000)),
      row('redis cut off', 'redis', () => this.through('redis', 'cut', 0, this.between(2000, 8000))),
      row('redis slow', 'redis', () => this.through('redis', 'slow', this.between(5, 300), this.between(1500, 4000))),
      row('mariadb away', 'mariadb', () => this.through('mariadb', 'away', 0, this.between(300, 3000))),
      row('mariadb cut off', 'mariadb', () => this.through('mariadb', 'cut', 0, this.between(500, 5000))),
      row('mariadb slow', 'mariadb', () => this.through('mariadb', 'slow', this.between(10, 150), this.between(1000, 4000))),
      row('commit late', 'mariadb', () => this.through('mariadb', 'late', this.between(20, 300), this.between(1000, 4000))),
      row('commit not asked', 'mariadb', () => this.through('mariadb', 'unasked', 0, this.between(100, 1500))),
      row('commit not answered', 'mariadb', () => this.through('mariadb', 'unanswered', 0, this.between(100, 1500))),
      ...(this.isDiskOurs ? [row('full disk', 'disk', () => this.fullDisk())] : []),
    ]
  }

  /** One fault from beginning to end. A full disk stands alone: everybody writes. */
  async strike(fault) {
    const began = this.history.note('house', 'fault', 'begin', { kind: fault.kind })
    this.busy.add(fault.subject)
    this.counts.set(fault.kind, (this.counts.get(fault.kind) ?? 0) + 1)
    try {
      const details = await fault.run()
      this.history.note('house', 'fault', 'end', { kind: fault.kind, ...details, ms: Math.round(this.history.now() - began.at) })
    } finally {
      this.busy.delete(fault.subject)
    }
  }

  /** One that may strike now, of those that struck least. */
  next(only) {
    const free = this.all.filter(({ kind, subject }) => (!only || only.includes(kind)) && !this.busy.has(subject) &&
      !this.busy.has('disk') && (subject !== 'disk' || !this.busy.size))
    const least = Math.min(...free.map(({ kind }) => this.counts.get(kind) ?? 0))
    return this.pick(free.filter(({ kind }) => (this.counts.get(kind) ?? 0) === least))
  }

  /** Faults at random moments for a while, two at once at most. During the last one everybody falls silent. */
  async rage(ms, silence, only) {
    const end = performance.now() + ms
    const running = new Set()
    const strike = (fault) => {
      const one = this.strike(fault).finally(() => running.delete(one))
      running.add(one)
    }
    while (performance.now() < end) {
      const fault = running.size < 2 && this.next(only)
      if (fault) strike(fault)
      await Promise.race([pause(this.between(100, 900)), ...(running.size > 1 ? running : [])])
    }
    await Promise.all(running)
    strike(this.next(only))
    await pause(this.between(100, 900))
    silence()
    await Promise.all(running)
  }
}
