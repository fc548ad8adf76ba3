// The deliberate bugs: those of lib/base/planted.h by their number there, one in nginx's configuration and one of a client.
// Each with the scenario that is aimed at it, who lives how and what strikes, and with what it must be caught by: a
// violation of another rule is no catch. A house without the bug must live through the same without a violation.
//
//   programs   those that have the bug          nginx   what its configuration says [well, badly]
//   client     habits that are the bug itself   shows   how the violation that it brings begins, as "rule: what"
//   faults or trouble, habits, pairs, groups, rounds, seconds   the scenario (run.mjs)
import { bellBreaks, comesWhileItRegisters, diesBeforeItAnswers, diesBeforeItRings, goesBackUnseen } from './aims.mjs'

const BUSY = { thinkMs: 250 }
const STEADY = { thinkMs: 300, burst: 1 }
const RESTLESS = { thinkMs: 150, potterMs: 300, wander: 1 }
const HIDDEN = /^no cursor hides an entry/

export const BUGS = {
  1: { name: 'acknowledge before commit', shows: /^what was acknowledged is there/, programs: ['messages'], faults: ['commit not asked'], seconds: 2 },
  2: { name: 'ring before commit', shows: HIDDEN, programs: ['messages'], faults: ['commit late'], seconds: 3, rounds: 3 },
  3: { name: 'outbox row deleted before the ring', shows: HIDDEN, programs: ['messages'], trouble: diesBeforeItRings, pairs: 5, rounds: 4, habits: STEADY },
  4: { name: 'the courier never rings', shows: HIDDEN, programs: ['courier'], trouble: diesBeforeItRings, pairs: 5, rounds: 4, habits: STEADY },
  5: { name: 'read before register', shows: HIDDEN, programs: ['poll'], trouble: comesWhileItRegisters, pairs: 8, rounds: 4,
    habits: { thinkMs: 600_000, burst: 1, potterMs: 600_000, more: 2, refresh: 1, cuts: 0, away: 0, streams: 0, shortPolls: 0, pollSeconds: [20] } },
  6: { name: "no reading after the bell's reconnect", shows: HIDDEN, programs: ['poll'], trouble: bellBreaks, rounds: 6,
    habits: { ...BUSY, pollSeconds: [20] } },
  7: { name: 'an id as cursor', shows: /^after healing all arrives in time: .*rows are in the outbox/, programs: ['courier'], faults: ['full redis'], seconds: 6 },
  8: { name: 'a cursor past what was read', shows: HIDDEN, programs: ['poll'], faults: ['redis slow'], habits: { thinkMs: 150, burst: 30, away: 0.5 } },
  9: { name: 'seq from the clock', shows: /^the log is dense/, programs: ['messages'], faults: ['redis slow'], seconds: 1 },
  10: { name: 'a retry ignores the unique key', shows: /^an id is there once/, programs: ['messages'], faults: ['commit not answered'], seconds: 2 },
  11: { name: 'the last read mark wins', shows: /^read marks never move back/, programs: ['messages'], faults: ['mariadb slow'], seconds: 3, habits: { potterMs: 300 } },
  12: { name: "an old snapshot's epoch is trusted", shows: HIDDEN, programs: ['poll', 'messages', 'courier'], trouble: goesBackUnseen,
    habits: { thinkMs: 400, streams: 0, shortPolls: 0, away: 0 } },
  13: { name: 'a page off by one', shows: /^a page is what it says/, programs: ['history'], faults: ['redis slow'], seconds: 1, habits: { potterMs: 150 } },
  14: { name: 'nginx retries a POST', shows: /^nobody else repeats a send/, trouble: diesBeforeItAnswers, habits: BUSY,
    nginx: ['fastcgi_next_upstream error;', 'fastcgi_next_upstream error timeout invalid_header non_idempotent;'] },
  15: { name: 'the cursor is taken after the snapshot', shows: HIDDEN, client: { cursorAfterSnapshot: true }, faults: ['wipe redis', 'mariadb slow'], pairs: 8, rounds: 3, habits: BUSY },
  16: { name: 'what was said to be rung is not compared', shows: HIDDEN, programs: ['poll'], faults: ['no bells'], seconds: 1, habits: { pollSeconds: [20] } },
  17: { name: 'a roster of another version', shows: /^who is not in a group says nothing in it/, programs: ['messages'], faults: ['redis slow'], habits: RESTLESS, groups: 2 },
  18: { name: 'a newcomer sees what was said before', shows: /^who is not in a group hears nothing of it/, programs: ['groups'], faults: ['redis slow'], habits: RESTLESS, groups: 2 },
  19: { name: 'who is removed is not told', shows: /^after healing all arrives in time: .*is not in it/, programs: ['groups'], faults: ['redis slow'], habits: RESTLESS, groups: 2 },
}

/** What run() needs to know of a bug's scenario; `flawed`: with the bug itself, where a client has it. */
export const scenarioOf = ({ faults, trouble, habits, client, pairs = 3, groups = 0, rounds = 1, seconds = 4 }, flawed) =>
  ({ pairs, groups, rounds, seconds, only: faults, trouble, habits: { ...habits, ...(flawed && client) }, stopsWhenLate: true })
