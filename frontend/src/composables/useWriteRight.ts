/* Whether one can write in a conversation, and if not, why. */
import type { Conversation, PendingMessage } from '@sdk'
import { computed, type Ref } from 'vue'
import { useFriends } from '@/stores/friends'
import { useNames } from './useNames'

export type WriteRefusal = 'peerGone' | 'blockedByMe' | 'blocked' | 'notFriends' | 'muted' | 'groupMuted'

export function useWriteRight(conversation: Ref<Conversation | null>, pending: Ref<readonly PendingMessage[]>, now: Ref<number>) {
  const friends = useFriends()
  const { isNotebook } = useNames()

  function refused(code: string): boolean {
    return pending.value.some((message) => message.state === 'failed' && message.code === code)
  }

  function inGroup({ group }: Conversation): WriteRefusal | null {
    if (group === null) return null
    if (group.my_muted_until !== null && group.my_muted_until > now.value) return 'muted'
    return group.mute_all && group.my_role === 'member' ? 'groupMuted' : null
  }

  return computed<WriteRefusal | null>(() => {
    const { value } = conversation
    if (value === null || isNotebook(value)) return null
    if (value.kind === 'group') return inGroup(value)
    if (value.kind !== 'direct') return null
    const { peer } = value
    if (peer === null) return 'peerGone'
    if (friends.blocks.has(peer.id)) return 'blockedByMe'
    if (refused('blocked')) return 'blocked'
    // Strangers may write where the house lets them; that it does not is known when it said so.
    const isStranger = peer.kind === 'human' && friends.loaded && !friends.friends.has(peer.id)
    return isStranger && refused('not_friends') ? 'notFriends' : null
  })
}
