// What a model does for me alone: asked for, then looked at until it is there. Nobody else hears of it, so no event tells.
import type { AiHelp } from './types'

const FIRST_MS = 250
const LONGEST_MS = 2_000
const GROWTH = 1.4

export interface HelpParts {
  look: (helpId: string) => Promise<AiHelp>
  /** Again while it fails for a reason that may pass. */
  patiently: (work: () => Promise<AiHelp>, signal?: AbortSignal) => Promise<AiHelp>
  pause: (ms: number, signal?: AbortSignal) => Promise<void>
}

/** A help at its end, whichever that is. Nobody waits longer than the signal says; the house gives it up by itself. */
export async function settled(first: AiHelp, { look, patiently, pause }: HelpParts, signal?: AbortSignal): Promise<AiHelp> {
  let help = first
  for (let ms = FIRST_MS; help.state === 'waiting' || help.state === 'writing'; ms = Math.min(LONGEST_MS, ms * GROWTH)) {
    await pause(ms, signal)
    signal?.throwIfAborted()
    const { id } = help
    help = await patiently(() => look(id), signal)
  }
  return help
}
