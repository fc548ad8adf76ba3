// A rolling restart of the house and reloads of nginx while people send, listen, sign in, change and take back: no answer
// but those after which a client repeats by itself, and at the end exactly what was acknowledged.
//
// Handlers that stop with grace cost nobody an answer. A reload of nginx closes the kept connections that are idle, and a
// request may just be on its way on one of them: HTTP clients repeat those on a new connection. (nginx 1.22 cannot wait
// with that, as `keepalive_min_timeout` of 1.27.4 does.)
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, test } from 'node:test'

import { pause } from './client.mjs'
import { openPlace, report, run } from './run.mjs'

const RELOADS = 5
// Answers, refusals that the devices ask for (trespass), an old token; a stream that was left before it said anything.
const ORDINARY = ['200', '201', '204', '400', '401', '404', '409', 'left']
// nginx lost the process while it worked, or it takes nothing more: to be repeated.
const REPEATED = ['502', '503', '504']

const place = await openPlace()
after(() => place.close())

test('a rolling restart and reloads of nginx fail nothing that a client does not repeat by itself, and lose nothing', { timeout: 300_000 }, async () => {
  const trouble = async (faults, silence) => {
    let restarting = true
    const restart = place.house.restartRolling().finally(() => (restarting = false))
    for (let n = 0; n < RELOADS || restarting; n++) {
      if (n < RELOADS) await faults.of('reload nginx')
      await Promise.race([pause(4000), ...(n < RELOADS ? [] : [restart])])
    }
    await restart
    silence()
  }
  const habits = { thinkMs: 500, potterMs: 700, refresh: 0.05, away: 0, cuts: 0, pastNginx: 0 }
  const result = await run(place, { seed: randomInt(2 ** 31), pairs: 10, rounds: 1, trouble, habits })
  for (const line of report(result)) console.log(line)
  const answers = Object.entries(result.counts.tables.answers).map(([key, n]) => {
    const [method, how] = key.split(' ')
    return { method, how, n, key }
  })
  const other = answers.filter(({ how }) => !ORDINARY.includes(how))
  console.log(`not answered at once: ${other.map(({ key, n }) => `${key} ${n} times`).join(', ') || 'nothing'}`)
  assert.deepEqual(other.filter(({ how, key }) => !REPEATED.includes(how) && !key.includes('on a kept connection')), [])
  assert.deepEqual(result.violations, [])
  for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'STREAM']) assert.ok(answers.some((one) => one.method === method && one.how.startsWith('20')), method)
})
