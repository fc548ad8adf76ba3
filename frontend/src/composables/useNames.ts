/* What people and conversations are called here: my remark before the nickname, a notebook by its own name. */
import type { Conversation, Entry, User } from '@sdk'
import { systemOf } from '@sdk'
import { useI18n } from 'vue-i18n'
import { useFriends } from '@/stores/friends'
import { useMembers } from '@/stores/members'
import { usePeople } from '@/stores/people'
import { useSession } from '@/stores/session'
import { bodyOf, isFileBody } from './messageBody'
import { useFileText } from './useFileText'
import { useSystemText } from './useSystemText'

export function useNames() {
  const { t } = useI18n()
  const { systemText } = useSystemText()
  const fileText = useFileText()
  const friends = useFriends()
  const members = useMembers()
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

  /* A person by id; in a group by the name chosen for it, unless I have a remark. Whom we do not know yet is asked for. */
  function nameOf(userId: string, groupId = ''): string {
    const remark = friends.friends.get(userId)?.remark
    if (remark) return remark
    const nickname = members.byGroup.get(groupId)?.get(userId)?.nickname
    if (nickname) return nickname
    const user = people.users.get(userId) ?? (userId === session.userId ? session.me : null)
    if (user != null) return userName(user)
    people.want(userId)
    return t('chats.deleted')
  }

  function conversationName(conversation: Conversation): string {
    if (isNotebook(conversation)) return t('chats.notebook')
    if (conversation.peer !== null) return userName(conversation.peer)
    return conversation.remark || conversation.group?.name || t('chats.deleted')
  }

  function bodyText(entry: Entry): string {
    const body = bodyOf(entry)
    if (body.kind === 'location') return t('message.labelled', { label: t('message.location'), text: body.name })
    if (body.kind === 'card') return t('message.labelled', { label: t('message.cardOf'), text: nameOf(body.userId, entry.conversation_id) })
    if (isFileBody(body)) return fileText.label(body)
    if (body.kind === 'merged') return t('message.labelled', { label: t('message.mergedTitle'), text: body.title })
    // One line of a text with Markdown says more without its marks.
    const isMarked = people.users.get(entry.sender_id ?? '')?.kind === 'assistant'
    return (isMarked ? entry.summary.replace(/[*`#|]+/g, '') : entry.summary) || t('chat.unknownEntry')
  }

  function summaryOf(entry: Entry): string {
    const name = (userId: string) => nameOf(userId, entry.conversation_id)
    if (entry.recalled_at !== null) {
      if (entry.sender_id === session.userId) return t('message.recalledByMe')
      return entry.sender_id === null ? t('chat.recalled') : t('message.recalledBy', { name: name(entry.sender_id) })
    }
    const system = systemOf(entry)
    if (system === null) return bodyText(entry)
    return systemText(system.code, system.params, name, entry.summary)
  }

  return { present, userName, nameOf, isNotebook, conversationName, summaryOf }
}
