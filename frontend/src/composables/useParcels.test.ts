// @vitest-environment happy-dom
import type { NewParcel, Server } from '@sdk'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ref } from 'vue'
import { useServer } from '@/stores/server'
import { useTestClient } from '@/stores/testing'
import { useParcels } from './useParcels'

const add = vi.fn<(conversation: string, things: NewParcel[], replyToSeq: number | null) => void>()
const file = (name: string, bytes: number) => new File([new Uint8Array(bytes)], name, { type: 'text/plain' })
const names = (files: readonly File[]) => files.map(({ name }) => name)

beforeEach(() => {
  add.mockClear()
  useTestClient({ parcels: { of: () => [], subscribe: () => () => undefined, add } as never })
})

describe('useParcels', () => {
  it('keeps back what is empty and what is larger than the house takes, and says which', async () => {
    useServer().info = { limits: { file_bytes: 10 } } as Server
    const { empty, large } = await useParcels(ref('10')).addFiles([file('none', 0), file('most', 10), file('more', 11)], 7)
    expect(names(empty)).toEqual(['none'])
    expect(names(large)).toEqual(['more'])
    expect(add.mock.calls).toEqual([['10', [expect.objectContaining({ name: 'most', kind: 'file' })], 7]])
  })

  it('leaves it to the house while its limits are not known, and sends nothing where nothing is left', async () => {
    const parcels = useParcels(ref('10'))
    expect(await parcels.addFiles([file('none', 0)])).toEqual({ empty: [expect.anything()], large: [] })
    expect(add).not.toHaveBeenCalled()
    await parcels.addFiles([file('some', 11)])
    expect(add).toHaveBeenCalledTimes(1)
  })
})
