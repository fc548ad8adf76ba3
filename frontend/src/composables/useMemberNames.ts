/* The people of one conversation: what they are called, and under which names they can be mentioned: never by my remark, which
   is mine alone. */
import type { Conversation, GroupMember } from '@sdk'
import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useMembers } from '@/stores/members'
import { usePeople } from '@/stores/people'
import { useSession } from '@/stores/session'
import type { Mentionable } from './mentions'
import type { Candidate } from './useMentionField'
import { useNames } from './useNames'

/* In both languages, since the writer's may be another than the reader's. */
const ALL_NAMES = ['所有人', 'everyone', 'all']

export function useMemberNames(conversation: Ref<Conversation | null>) {
  const members = useMembers()
  const people = usePeople()
  const { t } = useI18n()
  const session = useSession()
  const names = useNames()

  const present = computed(() => members.byGroup.get(conversation.value?.id ?? ''))

  function publicName(member: GroupMember): string {
    const user = people.users.get(member.user.id) ?? member.user
    return member.nickname || user.nickname || user.username
  }

  const nameOf = (userId: string) => names.nameOf(userId, conversation.value?.id)

  /* Whom a text may name, each under every name; the names are those that stand in a text. */
  const mentionable = computed<Mentionable[]>(() => [
    ...ALL_NAMES.map((name) => ({ id: 'all', name })),
    ...[...(present.value?.values() ?? [])].flatMap((member) => {
      const names = new Set([publicName(member), people.users.get(member.user.id)?.nickname ?? member.user.nickname, member.user.username])
      return [...names].map((name) => ({ id: member.user.id, name }))
    }),
  ])

  /* Whom I can mention: the others, and everybody at once if I manage the group. */
  const candidates = computed<Candidate[]>(() => {
    const { group = null } = conversation.value ?? {}
    if (group === null) return []
    const everybody = { id: 'all', name: t('message.mentionAll'), label: t('message.mentionAll'), also: ALL_NAMES }
    const others = [...(present.value?.values() ?? [])]
      .filter((member) => member.user.id !== session.userId)
      .map((member) => {
        const { id, nickname, username } = people.users.get(member.user.id) ?? member.user
        return { id, name: publicName(member), label: nameOf(id), also: [nickname, username] }
      })
    return group.my_role === 'member' ? others : [everybody, ...others]
  })

  return { members: present, nameOf, publicName, mentionable, candidates }
}
