// @vitest-environment happy-dom
import { mount } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { createI18n } from 'vue-i18n'
import en from '@/locales/en'
import { messageRows, type MessageRow } from '@/composables/messageRows'
import { conversation, entry, ME, useTestClient } from '@/stores/testing'
import ChatComposer from './ChatComposer.vue'

function row(seq: number, text: string): MessageRow {
  const input = { pending: [], myId: ME, withTicks: true, peerReadSeq: 0, newFromSeq: null }
  const [made] = messageRows({ ...input, entries: [entry(seq, ME, { content: { text } })] })
  if (made === undefined) throw new Error('no row')
  return made
}

function compose(over: Partial<InstanceType<typeof ChatComposer>['$props']> = {}) {
  const i18n = createI18n({ legacy: false, locale: 'en', messages: { en } })
  const wrapper = mount(ChatComposer, {
    props: { conversationId: '10', name: 'Ann', notebook: false, limit: 20, ...over },
    global: { plugins: [i18n], stubs: { EmojiButton: true } },
  })
  return { wrapper, field: wrapper.get('textarea'), sent: () => (wrapper.emitted('send') ?? []).flat() }
}

beforeEach(() => {
  localStorage.clear()
  useTestClient({ conversations: { update: () => Promise.resolve(conversation()) } })
})

describe('ChatComposer', () => {
  it('sends with Enter, trimmed, and is empty then', async () => {
    const { field, sent } = compose()
    await field.setValue('  hello \n there ')
    await field.trigger('keydown', { key: 'Enter' })
    expect(sent()).toEqual([{ text: 'hello \n there', replyToSeq: null, mentions: [] }])
    expect((field.element as HTMLTextAreaElement).value).toBe('')
  })

  it('does not send with Shift, nor while an input method is composing, nor nothing', async () => {
    const { field, sent } = compose()
    await field.trigger('keydown', { key: 'Enter' })
    await field.setValue('ni hao')
    await field.trigger('keydown', { key: 'Enter', shiftKey: true })
    await field.trigger('keydown', { key: 'Enter', isComposing: true })
    await field.trigger('keydown', { key: 'Enter', keyCode: 229 })
    expect(sent()).toEqual([])
  })

  it('counts characters, not code units, and refuses too many', async () => {
    const { wrapper, field, sent } = compose()
    await field.setValue('😀'.repeat(20))
    expect(wrapper.get('[data-test=composer-send]').attributes('disabled')).toBeUndefined()
    await field.setValue('😀'.repeat(21))
    await field.trigger('keydown', { key: 'Enter' })
    expect(sent()).toEqual([])
    expect(wrapper.get('[data-test=composer-count]').text()).toContain('1 character too many')
  })

  it('keeps a draft for each conversation', async () => {
    await compose().field.setValue('half a thought')
    useTestClient({ conversations: { update: () => Promise.resolve(conversation()) } })
    expect((compose({ conversationId: '11' }).field.element as HTMLTextAreaElement).value).toBe('')
    expect((compose().field.element as HTMLTextAreaElement).value).toBe('half a thought')
  })

  it('replies to a message and mentions who is named', async () => {
    const candidates = [{ id: '7', name: 'Ann', label: 'Ann', also: [] }]
    const { field, sent } = compose({ replying: row(5, 'old'), contextName: 'Bert', candidates })
    await field.setValue('@Ann yes')
    await field.trigger('keydown', { key: 'Enter' })
    expect(sent()).toEqual([{ text: '@Ann yes', replyToSeq: 5, mentions: ['7'] }])
  })

  it('edits what was said, only if it is another text then, and gives the draft back', async () => {
    const { wrapper, field, sent } = compose()
    const area = field.element as HTMLTextAreaElement
    await field.setValue('a draft')
    await wrapper.setProps({ editing: row(5, 'old') })
    expect(area.value).toBe('old')
    await field.trigger('keydown', { key: 'Enter' })
    expect(wrapper.emitted('save')).toBeUndefined()
    await field.setValue('new')
    await field.trigger('keydown', { key: 'Enter' })
    expect(wrapper.emitted('save')).toEqual([['new']])
    expect(sent()).toEqual([])
    await wrapper.setProps({ editing: null })
    expect(area.value).toBe('a draft')
  })

  it('leaves a reply or an edit with Escape', async () => {
    const { wrapper, field } = compose({ replying: row(5, 'old') })
    await field.trigger('keydown', { key: 'Escape' })
    expect(wrapper.emitted('cancel')).toHaveLength(1)
  })
})
