/* What people and conversations are called here: my remark before the nickname, a notebook by its own name. */
import type { Conversation, Entry, User } from '@sdk'
import { systemOf } from '@sdk'
import { useI18n } from 'vue-i18n'
import { useFriends } from '@/stores/friends'
import { usePeople } from '@/stores/people'
import { useSession } from '@/stores/session'

export function useNames() {
  const { t, te } = useI18n()
  const friends = useFriends()
  const people = usePeople()
  const session = useSession()

  /* The newest we know of a person, given an object that may be older. */
  function present(user: User): User {
    return people.users.get(user.id) ?? user
  }

  function userName(user: User): string {
    const now = present(user)
    return friends.friends.get(user.id)?.remark || now.nickname || now.username || t('chats.deleted')
  }

  function isNotebook(conversation: Conversation): boolean {
    return conversation.kind === 'direct' && conversation.peer !== null && conversation.peer.id === session.userId
  }

  function conversationName(conversation: Conversation): string {
    if (isNotebook(conversation)) return t('chats.notebook')
    if (conversation.peer !== null) return userName(conversation.peer)
    return conversation.remark || t('chats.deleted')
  }

  function summaryOf(entry: Entry): string {
    if (entry.recalled_at !== null) return t('chat.recalled')
    const system = systemOf(entry)
    if (system === null) return entry.summary || t('chat.unknownEntry')
    const key = `system.${system.code}`
    return te(key) ? t(key) : entry.summary || t('system.other')
  }

  return { present, userName, isNotebook, conversationName, summaryOf }
}
