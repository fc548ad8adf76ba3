// @vitest-environment happy-dom
import type { Conversation, Group, PendingMessage } from '@sdk'
import { mount } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { defineComponent, h, ref } from 'vue'
import { createI18n } from 'vue-i18n'
import { useFriends } from '@/stores/friends'
import { useServer } from '@/stores/server'
import { conversation, entry, friend, ME, user, useTestClient } from '@/stores/testing'
import { messageRows, type MessageRow } from './messageRows'
import { useMessageRights } from './useMessageRights'
import { useWriteRight } from './useWriteRight'

const NOW = 1_000_000

function group(over: Partial<Group>): Group {
  return { my_role: 'member', my_muted_until: null, mute_all: false, ...over } as Group
}

const inGroup = (over: Partial<Group> = {}) => conversation({ kind: 'group', peer: null, group: group(over) })

function within<T>(make: () => T): T {
  let made!: T
  const Host = defineComponent({ setup: () => ((made = make()), () => h('div')) })
  mount(Host, { global: { plugins: [createI18n({ legacy: false, locale: 'en', messages: { en: {} } })] } })
  return made
}

function refusal(of: Conversation, codes: string[] = []) {
  const pending = codes.map((code) => ({ state: 'failed', code }) as PendingMessage)
  return within(() => useWriteRight(ref(of), ref(pending), ref(NOW))).value
}

function row(seq: number, sender: string, over = {}): MessageRow {
  const input = { pending: [], myId: ME, withTicks: true, peerReadSeq: 0, newFromSeq: null }
  const [made] = messageRows({ ...input, entries: [entry(seq, sender, { created_at: NOW, ...over })] })
  if (made === undefined) throw new Error('no row')
  return made
}

beforeEach(() => {
  useTestClient({})
  useServer().info = { limits: { recall_seconds: 120 } } as never
})

describe('useWriteRight', () => {
  it('says why one cannot write in a group, and until when', () => {
    expect(refusal(inGroup())).toBeNull()
    expect(refusal(inGroup({ my_muted_until: NOW + 1 }))).toBe('muted')
    expect(refusal(inGroup({ my_muted_until: NOW }))).toBeNull()
    expect(refusal(inGroup({ mute_all: true }))).toBe('groupMuted')
    for (const my_role of ['admin', 'owner'] as const) expect(refusal(inGroup({ mute_all: true, my_role }))).toBeNull()
  })

  it('lets strangers write until the house refuses, and friends whatever it refused before', () => {
    useFriends().loaded = true
    expect(refusal(conversation())).toBeNull()
    expect(refusal(conversation(), ['not_friends'])).toBe('notFriends')
    useFriends().putFriend(friend('2'))
    expect(refusal(conversation(), ['not_friends'])).toBeNull()
  })

  it('names a block by either, and who is gone', () => {
    expect(refusal(conversation(), ['blocked'])).toBe('blocked')
    useFriends().blocks.set('2', { user: user('2'), created_at: 0 })
    expect(refusal(conversation())).toBe('blockedByMe')
    expect(refusal(conversation({ peer: null }))).toBe('peerGone')
    expect(refusal(conversation({ peer: user(ME) }))).toBeNull()
  })
})

describe('useMessageRights', () => {
  const rights = (of: Conversation, mayWrite = true, pinned = false) => useMessageRights(ref(of), ref(mayWrite), () => pinned)

  it('offers edit and recall of my own, the latter for two minutes', () => {
    const mine = row(5, ME)
    expect(rights(conversation()).actionsFor(mine, NOW + 60_000)).toEqual(['reply', 'edit', 'copy', 'forward', 'select', 'pin', 'recall', 'hide'])
    expect(rights(conversation()).actionsFor(mine, NOW + 121_000)).not.toContain('recall')
    expect(rights(conversation()).actionsFor(row(6, '2'), NOW)).toEqual(['reply', 'copy', 'forward', 'select', 'pin', 'hide'])
  })

  it('lets those who manage a group recall and pin, and only them', () => {
    const theirs = row(6, '2')
    expect(rights(inGroup()).actionsFor(theirs, NOW)).toEqual(['reply', 'copy', 'forward', 'select', 'hide'])
    expect(rights(inGroup({ my_role: 'admin' }), true, true).actionsFor(theirs, NOW + 999_000)).toEqual(
      ['reply', 'copy', 'forward', 'select', 'unpin', 'recall', 'hide'])
    expect(rights(inGroup()).actionsFor(row(5, ME), NOW)).toContain('readers')
  })

  it('leaves who may not write what needs no writing, and system entries nothing', () => {
    expect(rights(inGroup(), false).actionsFor(row(5, ME), NOW)).toEqual(['copy', 'forward', 'select', 'readers', 'hide'])
    expect(rights(inGroup()).actionsFor(row(7, null as never), NOW)).toEqual([])
    expect(rights(inGroup()).actionsFor(row(5, ME, { recalled_at: NOW }), NOW)).toEqual([])
  })
})
