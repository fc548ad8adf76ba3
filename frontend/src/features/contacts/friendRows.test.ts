import type { Friend } from '@sdk'
import { describe, expect, it } from 'vitest'
import { friendRows } from './friendRows'

function friend(name: string, tag = '') {
  return { name, friend: { user: { id: name }, tag } as unknown as Friend }
}

const keys = (rows: ReturnType<typeof friendRows>) => rows.map((row) => row.key)

describe('friendRows', () => {
  it('shows no titles while nobody has a tag', () => {
    expect(keys(friendRows([friend('Zoe'), friend('ann')], 'en'))).toEqual(['ann', 'Zoe'])
    expect(friendRows([], 'en')).toEqual([])
  })

  it('puts tags in order and those without one last', () => {
    const rows = friendRows([friend('Bo'), friend('Cy', 'work'), friend('Al', 'family'), friend('Di', 'work')], 'en')
    expect(keys(rows)).toEqual(['tag:family', 'Al', 'tag:work', 'Cy', 'Di', 'tag:', 'Bo'])
  })

  it('sorts Chinese names as Chinese readers do', () => {
    expect(keys(friendRows([friend('张伟'), friend('李娜'), friend('陈静')], 'zh-CN'))).toEqual(['陈静', '李娜', '张伟'])
  })
})
