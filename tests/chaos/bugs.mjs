// The deliberate bugs: those of lib/base/planted.h by their number there, one in nginx's configuration and one of a client.
// Each with the scenario that is aimed at it: who lives how, and which faults strike. A house without the bug must live
// through the same without a violation.
//
//   programs   those that have the bug          nginx   what its configuration says [well, badly]
//   client     habits that are the bug itself   faults, habits, pairs, rounds, seconds   the scenario (run.mjs)
const BUSY = { thinkMs: 250 }

export const BUGS = {
  1: { name: 'acknowledge before commit', programs: ['messages'], faults: ['commit not asked'], seconds: 2 },
  2: { name: 'ring before commit', programs: ['messages'], faults: ['commit late'], seconds: 3 },
  3: { name: 'outbox row deleted before the ring', programs: ['messages'], faults: ['full redis'], seconds: 3 },
  4: { name: 'the courier never rings', programs: ['courier'], faults: ['full redis'], seconds: 3 },
  5: { name: 'read before register', programs: ['poll'], faults: ['redis slow'], pairs: 10, rounds: 5, seconds: 1,
    habits: { thinkMs: 400, burst: 1, more: 0, cuts: 0.7, refresh: 0.7, pollSeconds: [20] } },
  6: { name: "no reading after the bell's reconnect", programs: ['poll'], faults: ['bells lost on the way'], seconds: 3, habits: { pollSeconds: [20] } },
  7: { name: 'an id as cursor', programs: ['courier'], faults: ['full redis'], seconds: 6 },
  8: { name: 'a cursor past what was read', programs: ['poll'], faults: ['redis slow'], habits: { thinkMs: 150, burst: 30, away: 0.5 } },
  9: { name: 'seq from the clock', programs: ['messages'], faults: ['redis slow'], seconds: 1 },
  10: { name: 'a retry ignores the unique key', programs: ['messages'], faults: ['commit not answered'], seconds: 2 },
  11: { name: 'the last read mark wins', programs: ['messages'], faults: ['mariadb slow'], seconds: 3, habits: { potterMs: 300 } },
  12: { name: "an old snapshot's epoch is trusted", programs: ['poll', 'messages', 'courier'], faults: ['old redis'], pairs: 6, rounds: 2,
    habits: { ...BUSY, away: 0.5 } },
  13: { name: 'a page off by one', programs: ['history'], faults: ['redis slow'], seconds: 1 },
  14: { name: 'nginx retries a POST', faults: ['kill messages', 'mariadb slow'], seconds: 6, pairs: 6, habits: BUSY,
    nginx: ['fastcgi_next_upstream error;', 'fastcgi_next_upstream error timeout invalid_header non_idempotent;'] },
  15: { name: 'the cursor is taken after the snapshot', client: { cursorAfterSnapshot: true }, faults: ['wipe redis', 'mariadb slow'], habits: BUSY },
}

/** What run() needs to know of a bug's scenario; `flawed`: with the bug itself, where a client has it. */
export const scenarioOf = ({ faults, habits, client, pairs = 3, rounds = 1, seconds = 4 }, flawed) =>
  ({ pairs, rounds, seconds, only: faults, habits: { ...habits, ...(flawed && client) }, stopsWhenLate: true })
