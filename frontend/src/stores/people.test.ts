import { PosthouseError } from '@sdk'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { usePeople } from './people'
import { user, useTestClient } from './testing'

const byIds = vi.fn()
const settled = () => new Promise((resolve) => setTimeout(resolve))

beforeEach(() => {
  byIds.mockReset()
  useTestClient({ users: { byIds } })
})

describe('people who are wanted', () => {
  it('are fetched by one call, and never asked for again, be they there or not', async () => {
    byIds.mockResolvedValue([user('2')])
    const people = usePeople()
    for (const id of ['2', '3', '2']) people.want(id)
    await settled()
    expect(byIds.mock.calls).toEqual([[['2', '3']]])
    for (const id of ['2', '3']) people.want(id)
    await settled()
    expect(byIds).toHaveBeenCalledTimes(1)
    expect([...people.users.keys()]).toEqual(['2'])
  })

  it('are asked for again after the house could not be reached', async () => {
    byIds.mockRejectedValueOnce(new PosthouseError({ code: 'offline' })).mockResolvedValue([user('2')])
    const people = usePeople()
    people.want('2')
    await settled()
    people.want('2')
    await settled()
    expect(people.users.has('2')).toBe(true)
  })
})
