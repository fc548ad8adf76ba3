/* Goes to the direct conversation with a person, making it if it is not there yet. */
import { useRouter } from 'vue-router'
import { useConversations } from '@/stores/conversations'
import { useFeedback } from './useFeedback'

export function useOpenChat() {
  const router = useRouter()
  const conversations = useConversations()
  const { run, busy } = useFeedback()

  async function openChat(userId: string): Promise<void> {
    const known = conversations.sorted.find((item) => item.kind === 'direct' && item.peer?.id === userId)
    if (known !== undefined) {
      await router.push({ name: 'chat', params: { id: known.id } })
      return
    }
    await run(async () => {
      const conversation = await conversations.open(userId)
      await router.push({ name: 'chat', params: { id: conversation.id } })
    })
  }

  return { openChat, busy }
}
