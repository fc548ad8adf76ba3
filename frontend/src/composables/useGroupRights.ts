/* What my role in a group lets me do. The house decides in the end; this keeps the screens free of what it would refuse. */
import type { Group, GroupMember } from '@sdk'
import { computed, type Ref } from 'vue'
import { useSession } from '@/stores/session'

export type MemberAction = 'mute' | 'unmute' | 'makeAdmin' | 'unmakeAdmin' | 'handOver' | 'kick'

export function useGroupRights(group: Ref<Group>) {
  const session = useSession()
  const owns = computed(() => group.value.my_role === 'owner')
  const manages = computed(() => group.value.my_role !== 'member')
  const mayInvite = computed(() => manages.value || group.value.join_policy !== 'approval')

  /* Admins act on those who are neither admin nor owner. */
  function actionsOn(member: GroupMember, now: number): MemberAction[] {
    if (member.user.id === session.userId || !manages.value || member.role === 'owner') return []
    const below = owns.value || member.role === 'member'
    const muted = member.muted_until !== null && member.muted_until > now
    const actions: [MemberAction, boolean][] = [
      ['unmute', below && muted],
      ['mute', below],
      ['makeAdmin', owns.value && member.role === 'member'],
      ['unmakeAdmin', owns.value && member.role === 'admin'],
      ['handOver', owns.value],
      ['kick', below],
    ]
    return actions.filter(([, allowed]) => allowed).map(([action]) => action)
  }

  return { owns, manages, mayInvite, actionsOn }
}
