// @vitest-environment happy-dom
import { mount } from '@vue/test-utils'
import { beforeEach, describe, expect, it } from 'vitest'
import { createI18n } from 'vue-i18n'
import en from '@/locales/en'
import { useTestClient } from '@/stores/testing'
import ChatComposer from './ChatComposer.vue'

function compose(over: { conversationId?: string; limit?: number } = {}) {
  const i18n = createI18n({ legacy: false, locale: 'en', messages: { en } })
  const wrapper = mount(ChatComposer, {
    props: { conversationId: '10', name: 'Ann', notebook: false, limit: 20, ...over },
    global: { plugins: [i18n], stubs: { EmojiButton: true } },
  })
  return { wrapper, field: wrapper.get('textarea'), sent: () => (wrapper.emitted('send') ?? []).flat() }
}

beforeEach(() => {
  localStorage.clear()
  useTestClient({})
})

describe('ChatComposer', () => {
  it('sends with Enter, trimmed, and is empty then', async () => {
    const { field, sent } = compose()
    await field.setValue('  hello \n there ')
    await field.trigger('keydown', { key: 'Enter' })
    expect(sent()).toEqual(['hello \n there'])
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
    useTestClient({})
    expect((compose({ conversationId: '11' }).field.element as HTMLTextAreaElement).value).toBe('')
    expect((compose().field.element as HTMLTextAreaElement).value).toBe('half a thought')
  })
})
