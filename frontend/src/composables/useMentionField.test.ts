// @vitest-environment happy-dom
import { flushPromises } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import { ref } from 'vue'
import { useMentionField, type Candidate } from './useMentionField'

const PEOPLE: Candidate[] = [
  { id: 'all', name: '所有人', label: '所有人', also: ['all'] },
  { id: '1', name: '刘德华', label: '华仔', also: ['andy'] },
  { id: '2', name: 'Anna', label: 'Anna', also: [] },
]

function make(people = PEOPLE) {
  const area = document.createElement('textarea')
  const text = ref('')
  const mention = useMentionField(ref(area), text, () => people)
  function type(value: string): void {
    text.value = area.value = value
    area.setSelectionRange(value.length, value.length)
    mention.look()
  }
  const press = (key: string) => mention.onKeydown(new KeyboardEvent('keydown', { key, cancelable: true }))
  return { text, mention, type, press }
}

const ids = (mention: ReturnType<typeof useMentionField>) => mention.hits.value.map(({ id }) => id)

describe('useMentionField', () => {
  it('finds by name, by what else is known and, when the table is there, by pinyin', async () => {
    const { mention, type } = make()
    type('hi @')
    expect(ids(mention)).toEqual(['all', '1', '2'])
    type('hi @andy')
    expect(ids(mention)).toEqual(['1'])
    await import('./pinyin').then(({ loadPinyin }) => loadPinyin())
    type('hi @ldh')
    expect(ids(mention)).toEqual(['1'])
    type('hi @nobody')
    expect(mention.open.value).toBe(false)
  })

  it('is chosen from by the keys, which are nobody else’s then', async () => {
    const { mention, type, press, text } = make()
    expect(press('Enter')).toBe(false)
    type('hi @')
    expect(press('ArrowUp')).toBe(true)
    expect(mention.chosen.value).toBe(2)
    expect(press('x')).toBe(false)
    expect(press('Tab')).toBe(true)
    await flushPromises()
    expect(text.value).toBe('hi @Anna ')
    type('@')
    expect(press('Escape')).toBe(true)
    expect(mention.open.value).toBe(false)
  })

  it('mentions who is named in the end, picked or typed', async () => {
    const { mention, type, press } = make()
    type('@an')
    press('Enter')
    await flushPromises()
    expect(mention.take('@Anna come, @刘德华 too')).toEqual(['2', '1'])
    expect(mention.take('nobody here')).toEqual([])
  })

  it('offers nothing where nobody can be mentioned', () => {
    const { mention, type } = make([])
    type('@')
    expect(mention.open.value).toBe(false)
  })
})
