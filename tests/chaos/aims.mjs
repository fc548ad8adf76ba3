// Troubles that are aimed at one moment, for what faults at random moments rarely meet: each makes one moment last, strikes
// in it, and lets everybody fall silent where a later event would cover up what was lost. trouble(faults, silence, world).
import { pause } from './client.mjs'

const LATER_MS = 180 // Redis' answers, on average: far under the second after which a silent server counts as gone

/** Who wrote dies while much of it is not rung yet: the courier has to. Redis is gone for less time than after which that shows. */
export async function diesBeforeItRings(faults, silence) {
  await pause(1000)
  const kill = await faults.aimedAt('messages')
  let dead
  await faults.hold('redis', 'cut', 0, async () => {
    await pause(400)
    silence()
    dead = kill()
  })
  await dead
}

/** Elements are lost with their connection, in less time than after which Redis counts as away; nothing follows. */
export async function bellBreaks(faults, silence) {
  await pause(1000)
  await faults.hold('redis', 'popped', 0, async () => {
    await pause(200)
    silence()
    await pause(600)
  })
}

/**
 * Everybody hears a first word from a friend, whereupon his devices go to another process (by habit they refresh their
 * tokens), and a second one while they register there; then nothing more.
 */
export async function comesWhileItRegisters(faults, silence, world) {
  const speaks = ({ account, number }) => !number && account.name.endsWith('a')
  await pause(1500)
  await faults.hold('redis', 'slow', LATER_MS, () => Promise.all(world.devices.filter(speaks).map(async (device) => {
    const say = (text) => device.say(device.account.conversations[0], world.uuid(), text)
    await say('first')
    await pause(200 + 700 * world.random())
    await say('second')
    await pause(1500)
  })))
  silence()
}

/** Redis goes back in time and then gets further than it was, while some do not look. */
export async function goesBackUnseen(faults, silence, world) {
  await pause(1500)
  await faults.keepSnapshot()
  await pause(400)
  world.turn({ outside: true })
  await pause(300)
  await faults.restore()
  await pause(3500)
  world.turn({ outside: false })
  await pause(500)
  silence()
}

/** Whoever writes dies between the COMMIT and the answer, several times. */
export async function diesBeforeItAnswers(faults, silence) {
  await pause(500)
  await faults.hold('mariadb', 'kept', 400, async () => {
    for (let n = 0; n < 3; n++) {
      await pause(700)
      await faults.of('kill messages')
    }
  })
  silence()
}
