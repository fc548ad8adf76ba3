// @vitest-environment happy-dom
import { mount } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { defineComponent, h } from 'vue'
import { createI18n } from 'vue-i18n'
import en from '@/locales/en'
import zhCN from '@/locales/zh-CN'
import { ME, useTestClient } from '@/stores/testing'
import { useSystemText } from '@/composables/useSystemText'

const NAMES: Record<string, string> = { '2': 'Anna', '3': 'Bert', '4': '陈' }

function speaker(locale: 'en' | 'zh-CN') {
  let made!: ReturnType<typeof useSystemText>
  const Host = defineComponent({ setup: () => ((made = useSystemText()), () => h('div')) })
  mount(Host, { global: { plugins: [createI18n({ legacy: false, locale, messages: { en, 'zh-CN': zhCN } })] } })
  return (code: string, params: Record<string, unknown>, fallback?: string) =>
    made.systemText(code, params, (id) => NAMES[id] ?? '', fallback)
}

/* Every code of the house, with params as it gives them. */
const CODES: [string, Record<string, unknown>][] = [
  ['friends_now', {}],
  ['group.created', { user_id: '2', name: 'Riders' }],
  ['member.added', { by: '2', user_ids: ['3', ME] }],
  ['member.joined', { user_id: '2', via: 'open' }],
  ['member.joined', { user_id: '2', via: 'link' }],
  ['member.joined', { user_id: '2', via: 'approval', by: '3' }],
  ['member.left', { user_id: '2' }],
  ['member.removed', { by: '2', user_id: '3' }],
  ['group.renamed', { by: '2', name: 'Riders' }],
  ['group.avatar', { by: '2' }],
  ['group.announcement', { by: '2', text: 'At dawn' }],
  ['group.announcement', { by: '2', text: '' }],
  ['group.owner', { from: '2', to: '3' }],
  ['group.role', { by: '2', user_id: '3', role: 'admin' }],
  ['group.role', { by: '2', user_id: '3', role: 'member' }],
  ['group.member_muted', { by: '2', user_id: '3', until: Date.UTC(2026, 4, 1) }],
  ['group.member_unmuted', { by: '2', user_id: '3' }],
  ['group.muted', { by: '2' }],
  ['group.unmuted', { by: '2' }],
  ['group.settings', { by: '2', join_policy: 'open' }],
  ['group.dismissed', { by: '2' }],
  ['entry.pinned', { user_id: '2', seq: 5 }],
  ['entry.unpinned', { user_id: '2', seq: 5 }],
  ...['cancelled', 'interrupted', 'limit', 'off', 'not_allowed', 'provider_unavailable', 'provider_busy', 'provider_refused',
    'provider_error', 'timeout', 'cut_off', 'empty'].map((reason): [string, Record<string, unknown>] =>
    ['ai.failed', { assistant_id: '2', reply_id: '3', reason, text: '' }]),
]

beforeEach(() => useTestClient({}))

describe('systemText', () => {
  it('says every code in both languages, with nothing left unfilled', () => {
    for (const locale of ['en', 'zh-CN'] as const) {
      const say = speaker(locale)
      const said = CODES.map(([code, params]) => say(code, params))
      for (const text of said) expect(text).not.toMatch(/[{}]|system\.|undefined|^$/)
      expect(new Set(said).size).toBe(CODES.length)
      expect(said).not.toContain(say('unheard.of', {}))
    }
  })

  it('calls the reader you, as the one who acts and as the one spoken of', () => {
    const say = speaker('en')
    expect(say('member.removed', { by: ME, user_id: '3' })).toBe('You removed Bert')
    expect(say('member.removed', { by: '3', user_id: ME })).toBe('Bert removed you')
    expect(say('member.left', { user_id: ME })).toBe('You left the group')
    expect(say('group.owner', { from: '2', to: ME })).toBe('Anna handed the group over to you')
  })

  it('counts whom it does not name, and takes a stranger for somebody', () => {
    const say = speaker('en')
    expect(say('member.added', { by: '2', user_ids: ['3', '4', ME] })).toBe('Anna invited Bert, 陈 and you')
    expect(say('member.added', { by: '9', user_ids: ['3', '4', '3', '4', '3', '4'] })).toMatch(/^somebody invited Bert, .* 6 in all$/)
    expect(say('member.added', { by: '2', user_ids: 'x' })).toBe('Anna invited somebody')
  })

  it('shows the summary of a code of a newer house', () => {
    expect(speaker('en')('moon.landed', {}, 'The moon')).toBe('The moon')
  })
})
