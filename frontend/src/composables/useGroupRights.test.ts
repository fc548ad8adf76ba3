import type { Group, GroupMember } from '@sdk'
import { beforeEach, describe, expect, it } from 'vitest'
import { ref } from 'vue'
import { ME, user, useTestClient } from '@/stores/testing'
import { useGroupRights } from './useGroupRights'

const NOW = 1_000

function member(id: string, role: GroupMember['role'], mutedUntil: number | null = null): GroupMember {
  return { user: user(id), role, nickname: '', muted_until: mutedUntil, joined_at: 0 }
}

function rights(role: Group['my_role'], policy: Group['join_policy'] = 'invite') {
  return useGroupRights(ref({ my_role: role, join_policy: policy } as Group))
}

beforeEach(() => useTestClient({}))

describe('useGroupRights', () => {
  it('lets the owner do everything to others, and nobody anything to himself or the owner', () => {
    const owner = rights('owner')
    expect(owner.actionsOn(member('2', 'member'), NOW)).toEqual(['mute', 'makeAdmin', 'handOver', 'kick'])
    expect(owner.actionsOn(member('2', 'admin', NOW + 1), NOW)).toEqual(['unmute', 'mute', 'unmakeAdmin', 'handOver', 'kick'])
    expect(owner.actionsOn(member(ME, 'owner'), NOW)).toEqual([])
    expect(rights('admin').actionsOn(member('2', 'owner'), NOW)).toEqual([])
  })

  it('lets admins act on plain members only, and members on nobody', () => {
    expect(rights('admin').actionsOn(member('2', 'member', NOW - 1), NOW)).toEqual(['mute', 'kick'])
    expect(rights('admin').actionsOn(member('2', 'admin'), NOW)).toEqual([])
    expect(rights('member').actionsOn(member('2', 'member'), NOW)).toEqual([])
  })

  it('lets members invite unless that needs approval', () => {
    expect(rights('member').mayInvite.value).toBe(true)
    expect(rights('member', 'approval').mayInvite.value).toBe(false)
    expect(rights('admin', 'approval').mayInvite.value).toBe(true)
  })
})
