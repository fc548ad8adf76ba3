// What a house's processes use: CPU time and memory, by part (nginx, messages, poll, mariadb, redis, others).
import { readFileSync } from 'node:fs'

const PARTS = ['nginx', 'messages', 'poll', 'mariadb', 'redis']
const CLOCK_TICK_US = 10_000 // USER_HZ is 100 on every Linux

// {part: [pids]}; nginx's workers are its children.
export async function partsOf(house) {
  const parts = Object.fromEntries([...PARTS, 'others'].map((name) => [name, []]))
  for (const [name, { pid }] of Object.entries(await house.processes())) {
    const part = name.split('.')[0]
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
    parts[PARTS.includes(part) ? part : 'others'].push(pid, ...children)
  }
  return parts
}

const perPart = (parts, valueOf) =>
  Object.fromEntries(Object.entries(parts).map(([part, pids]) => [part, pids.reduce((sum, pid) => sum + valueOf(pid), 0)]))

// µs of CPU since the start, user and system, threads that ended included.
export const cpuUs = (parts) => perPart(parts, (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_US
})

// KiB: what is shared by several processes counts in parts.
export const memoryKib = (parts) => perPart(parts, (pid) => {
  const memory = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(/^Pss:\s+(\d+)/m.exec(memory)[1])
})

// KiB of the whole kernel: its objects, and what sockets hold.
export function kernelKib() {
  const slab = Number(/Slab:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))[1])
  const pages = [...readFileSync('/proc/net/sockstat', 'utf8').matchAll(/ mem (\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0)
  return slab + pages * 4
}

export const sum = (values) => Object.values(values).reduce((total, one) => total + one, 0)
export const less = (after, before) => Object.fromEntries(Object.keys(after).map((part) => [part, after[part] - before[part]]))
