/* The pictures of people and groups, by id. */
import { useConversations } from '@/stores/conversations'
import { useFiles } from '@/stores/files'
import { usePeople } from '@/stores/people'
import { useSession } from '@/stores/session'

export function useAvatars(): (id: string, fileId: string | null) => string {
  const people = usePeople()
  const conversations = useConversations()
  const session = useSession()
  const files = useFiles()

  function fileOf(id: string): string | null {
    if (id === session.userId) return session.me?.avatar_file_id ?? null
    return people.users.get(id)?.avatar_file_id ?? conversations.items.get(id)?.group?.avatar_file_id ?? null
  }

  return (id, fileId) => {
    const file = fileId ?? fileOf(id)
    return file === null ? '' : files.url(file, '160')
  }
}
