// People do 20,000 things of every kind at random, with devices that come and go; then each device's view, built only from
// events, gaps and syncs, has to be what a fresh reading says, and every refusal has to be one that the model expects.
// One run repeats the plan of a fixed seed, one makes a new plan; deeds overlap as they happen to.
//
//   RANDOM_SEED=…   instead of the fresh seed     RANDOM_DEEDS=…   how many
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { after, test } from 'node:test'

import { openHouse } from '../lib/house.mjs'
import { DEEDS } from './deeds.mjs'
import { World } from './world.mjs'

const SIZE = { people: 50, groups: 20, deeds: Number(process.env.RANDOM_DEEDS ?? 20_000) }
const SEEDS = { 'a fixed seed': 20261128, 'a fresh seed': Number(process.env.RANDOM_SEED ?? randomInt(2 ** 31)) }

const house = await openHouse({ env: { POSTHOUSE_RATE_USER_PER_S: '0' } })
after(() => house.close())

for (const [name, seed] of Object.entries(SEEDS)) {
  test(`every device's view is what a reading says: ${name}`, { timeout: 600_000 }, async () => {
    const began = performance.now()
    const world = new World({ seed, house, ...SIZE })
    await world.run()
    const { kinds, ...counts } = world.counts
    console.log(`seed ${seed}: ${Math.round((performance.now() - began) / 1000)} s`, counts, kinds)
    assert.deepEqual(world.wrong.slice(0, 10), [], `seed ${seed}: ${world.wrong.length} things are wrong:\n${world.wrong.slice(0, 10).join('\n')}`)
    assert.deepEqual(Object.keys(DEEDS).filter((kind) => !kinds[kind]), [], 'every kind of deed was done')
    assert.ok(counts.strict > counts.raced, 'most deeds had one right answer')
  })
}
