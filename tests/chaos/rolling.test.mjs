// A rolling restart of the house and reloads of nginx while people send, listen, sign in, change and take back: no answer
// but those after which a client repeats by itself, and at the end exactly what was acknowledged.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, test } from 'node:test'

import { pause } from './client.mjs'
import { openPlace, report, run } from './run.mjs'

const RELOADS = 5
// What a client that lives an ordinary life gets: answers, refusals that the devices ask for (trespass), an old token.
const ORDINARY = new Set([200, 201, 204, 401, 404, 409, 400])
// No answer, or one that says "again": nginx lost the process while it worked, or it takes nothing more.
const REPEATED = new Set(['lost', 502, 503, 504])

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
  const habits = { thinkMs: 500, potterMs: 700, refresh: 0.05, away: 0, cuts: 0 }
  const result = await run(place, { seed: randomInt(2 ** 31), pairs: 10, rounds: 1, trouble, habits })
  for (const line of report(result)) console.log(line)
  const answers = Object.entries(result.counts.tables.answers).map(([key, n]) => [...key.split(' '), n])
  const other = answers.filter(([, how]) => !ORDINARY.has(Number(how)))
  console.log(`not answered at once: ${other.map(([method, how, n]) => `${method} ${how} ${n} times`).join(', ') || 'nothing'}`)
  assert.deepEqual(other.filter(([, how]) => !REPEATED.has(how === 'lost' ? how : Number(how))), [])
  assert.deepEqual(result.violations, [])
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) assert.ok(answers.some(([one, how]) => one === method && how < 300), method)
})
