// @vitest-environment happy-dom
import type { ConversationLog, Entry } from '@sdk'
import { flushPromises, mount } from '@vue/test-utils'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { defineComponent, h, ref } from 'vue'
import { createI18n } from 'vue-i18n'
import { useConversations } from '@/stores/conversations'
import { useHouse } from '@/stores/house'
import { conversation, entry, ME, useTestClient } from '@/stores/testing'
import { useChat } from './useChat'

let log: { -readonly [K in keyof ConversationLog]: ConversationLog[K] }
let changed = () => undefined as unknown

function makeLog(entries: Entry[]) {
  log = {
    conversationId: '10',
    entries,
    covers: null,
    hasOlder: true,
    loading: false,
    loadNewest: vi.fn(() => Promise.resolve()),
    loadOlder: vi.fn(() => Promise.resolve()),
    around: vi.fn(() => Promise.resolve(null)),
    apply: vi.fn(() => Promise.resolve()),
    subscribe: (listener) => ((changed = listener), () => undefined),
  }
}

async function openChat(over = {}) {
  let chat!: ReturnType<typeof useChat>
  useConversations().put(conversation(over))
  const Host = defineComponent({ setup: () => ((chat = useChat(ref('10'))), () => h('div')) })
  mount(Host, { global: { plugins: [createI18n({ legacy: false, locale: 'en', messages: { en: {} } })] } })
  await flushPromises()
  return chat
}

const lines = (chat: ReturnType<typeof useChat>) => chat.rows.value.filter((row) => row.startsNew).map((row) => row.seq)

beforeEach(() => {
  const outbox = { pending: () => [], subscribe: () => () => undefined }
  useTestClient({ log: (() => log) as never, outbox: outbox as never, parcels: { of: () => [], subscribe: () => () => undefined } as never })
})

describe('useChat', () => {
  it('asks for older messages only while the log reads nothing else, and never twice at once', async () => {
    makeLog([entry(5, '2')])
    const chat = await openChat()
    log.loading = true
    const asked = chat.loadOlder()
    expect(chat.busy.value).toBe(false)
    await asked
    log.loading = false
    await Promise.all([chat.loadOlder(), chat.loadOlder()])
    expect(log.loadOlder).toHaveBeenCalledTimes(1)
  })

  it('draws the line of new messages where reading stopped, once that is in view of the log', async () => {
    makeLog([entry(5, '2'), entry(6, '2')])
    const chat = await openChat({ last_seq: 6, read_seq: 2, unread: 3 })
    expect(lines(chat)).toEqual([])
    log.entries = [entry(3, ME), entry(4, '2'), entry(5, '2'), entry(6, '2')]
    changed()
    expect(lines(chat)).toEqual([4])
    useConversations().onRead({ conversation_id: '10', user_id: ME, read_seq: 6, unread: 0, version: 2 }, ME)
    expect(lines(chat)).toEqual([4])
  })

  it('keeps the error of a first page that could not be read, and goes on when it can', async () => {
    makeLog([])
    vi.mocked(log.loadNewest).mockRejectedValueOnce(new Error('no road'))
    const chat = await openChat()
    expect(chat.ready.value).toBe(false)
    expect(chat.error.value).toBeInstanceOf(Error)
    await chat.load()
    expect(chat.ready.value).toBe(true)
    expect(chat.error.value).toBeNull()
  })

  it('reads again after a snapshot only if the first page is missing', async () => {
    makeLog([])
    vi.mocked(log.loadNewest).mockRejectedValueOnce(new Error('no road'))
    const chat = await openChat()
    for (let i = 0; i < 2; i++) {
      useHouse().snapshots++
      await flushPromises()
    }
    expect(chat.ready.value).toBe(true)
    expect(log.loadNewest).toHaveBeenCalledTimes(2)
  })
})
