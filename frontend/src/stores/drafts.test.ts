// @vitest-environment happy-dom
import { PosthouseError } from '@sdk'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { useConversations } from './conversations'
import { useDrafts } from './drafts'
import { conversation, useTestClient } from './testing'

const update = vi.fn()
let version = 1

beforeEach(() => {
  vi.useFakeTimers()
  localStorage.clear()
  version = 1
  update.mockReset().mockImplementation((_id: string, { draft }: { draft: string | null }) => Promise.resolve(at(draft)))
  useTestClient({ conversations: { update } })
  useConversations().put(conversation({ draft: null }))
})
afterEach(() => vi.useRealTimers())

const at = (draft: string | null) => conversation({ draft, version: ++version })
const tick = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const told = () => update.mock.calls.map(([, changes]) => (changes as { draft: string | null }).draft)

describe('drafts', () => {
  it('are told when the typing pauses, once', async () => {
    const drafts = useDrafts()
    for (const text of ['h', 'he', 'hey']) {
      drafts.set('10', text)
      await tick(1_000)
    }
    expect([told(), drafts.isMine('10')]).toEqual([[], true])
    await tick(1_000)
    expect([told(), drafts.isMine('10'), drafts.get('10')]).toEqual([['hey'], false, 'hey'])
    drafts.set('10', 'hey')
    await tick(60_000)
    expect(told()).toEqual(['hey'])
  })

  it('come from another device, but not over what I type here', () => {
    const drafts = useDrafts()
    useConversations().put(at('from my phone'))
    expect(drafts.get('10')).toBe('from my phone')
    drafts.set('10', 'from here')
    useConversations().put(at('from my phone again'))
    expect(drafts.get('10')).toBe('from here')
  })

  it('go when the message was sent: at once, and not at all if the house never heard of them', async () => {
    const drafts = useDrafts()
    drafts.set('10', 'quick')
    drafts.set('10', '')
    await tick(60_000)
    expect(told()).toEqual([])
    drafts.set('10', 'slow')
    await tick(2_000)
    drafts.set('10', '  ')
    await tick(10)
    expect([told(), drafts.get('10')]).toEqual([['slow', null], ''])
  })

  it('are told in order: what was sent while the draft was on its way is taken back after it', async () => {
    const drafts = useDrafts()
    let answer: () => void = () => undefined
    update.mockImplementationOnce((_id: string, { draft }: { draft: string }) => new Promise((resolve) => (answer = () => resolve(at(draft)))))
    drafts.set('10', 'on its way')
    await tick(2_000)
    drafts.set('10', '')
    await tick(2_000)
    expect(told()).toEqual(['on its way'])
    answer()
    await tick(2_000)
    expect([told(), drafts.get('10')]).toEqual([['on its way', null], ''])
  })

  it('wait for the house, over a reload too', async () => {
    update.mockRejectedValue(new PosthouseError({ code: 'offline' }))
    useDrafts().set('10', 'half a thought')
    await tick(2_000)
    expect(useDrafts().get('10')).toBe('half a thought')
    useDrafts().reset()

    update.mockReset().mockResolvedValue(at('half a thought'))
    useTestClient({ conversations: { update } })
    expect(useDrafts().get('10')).toBe('half a thought')
    await tick(2_000)
    expect([told(), localStorage.length]).toEqual([['half a thought'], 0])
  })

  it('of a conversation that is gone are forgotten, and one that is refused stays here without asking again', async () => {
    update.mockRejectedValueOnce(new PosthouseError({ code: 'invalid_request' }))
    const drafts = useDrafts()
    drafts.set('10', 'odd')
    await tick(60_000)
    expect([told(), drafts.get('10')]).toEqual([['odd'], 'odd'])
    update.mockRejectedValueOnce(new PosthouseError({ code: 'not_found' }))
    drafts.set('10', 'gone')
    await tick(60_000)
    expect([drafts.get('10'), localStorage.length]).toEqual(['', 0])
  })
})
