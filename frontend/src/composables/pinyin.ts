/* Chinese names by their sound: initials (`ldh`) and whole syllables (`liudehua`). The library and its table are large and are
   loaded when somebody first searches a name; until then, and for other scripts, only the written form counts. */
import { ref } from 'vue'
import { matches } from './matches'

interface Sounds {
  full: string
  initials: string
}

type Speak = (name: string) => Sounds

const CHINESE = /\p{Script=Han}/u
/* Grows to one when the table is there, so that what was computed without it is computed again. */
const loaded = ref(0)
const known = new Map<string, Sounds>()
let speak: Speak | null = null
let loading: Promise<void> | null = null

export function loadPinyin(): Promise<void> {
  loading ??= import('pinyin-pro').then(({ pinyin }) => {
    const say = (name: string, pattern: 'pinyin' | 'first') =>
      pinyin(name, { toneType: 'none', type: 'array', pattern, nonZh: 'consecutive' }).join('').toLowerCase().replace(/ü/gu, 'v')
    speak = (name) => ({ full: say(name, 'pinyin'), initials: say(name, 'first') })
    loaded.value++
  })
  /* Without the table names are still found as they are written; the next search tries again. */
  loading.catch(() => (loading = null))
  return loading
}

function soundsOf(name: string): Sounds | null {
  if (loaded.value === 0 || speak === null || !CHINESE.test(name)) return null
  const before = known.get(name)
  if (before !== undefined) return before
  const sounds = speak(name)
  known.set(name, sounds)
  return sounds
}

/* Whether one of the names holds the query as it is written, or begins a syllable with it as it is spoken. */
export function matchesName(query: string, names: readonly (string | null | undefined)[]): boolean {
  if (matches(query, names)) return true
  const wanted = query.trim().toLowerCase().replace(/[\s']/gu, '')
  if (!/^[a-z]+$/u.test(wanted)) return false
  return names.some((name) => {
    const sounds = name == null ? null : soundsOf(name)
    return sounds !== null && (sounds.full.includes(wanted) || sounds.initials.includes(wanted))
  })
}
