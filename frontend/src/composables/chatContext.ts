/* What the parts of an open conversation share, so that it need not be handed down through every one of them. */
import type { Conversation } from '@sdk'
import { inject, provide, type InjectionKey, type Ref } from 'vue'
import type { Mentionable } from './mentions'
import type { MessageRow } from './messageRows'

/* What a reply quotes: not known yet, gone, or who said what. */
export type Quote = { state: 'loading' | 'gone' } | { state: 'there'; senderId: string | null; text: string }

export type MessageAction =
  | 'reply' | 'edit' | 'copy' | 'forward' | 'select' | 'pin' | 'unpin' | 'readers' | 'recall' | 'hide'
  | 'translate' | 'original' | 'regenerate' | 'cost'

export interface ChatContext {
  conversation: Ref<Conversation | null>
  /* The messages that are chosen, or null while none are being chosen. */
  selected: Ref<ReadonlySet<number> | null>
  /* Where one has jumped to; it is shown for a moment. */
  flashed: Ref<number | null>
  /* Under which names people may stand in a text. */
  mentionable: Ref<readonly Mentionable[]>
  nameOf: (userId: string) => string
  quoteOf: (seq: number) => Quote
  jumpTo: (seq: number) => void
  react: (row: MessageRow, emoji: string, mine: boolean) => void
  showReactions: (row: MessageRow) => void
  openMenu: (row: MessageRow, x: number, y: number) => void
  act: (action: MessageAction, row: MessageRow) => void
  toggleSelected: (row: MessageRow) => void
  showPerson: (userId: string) => void
}

const KEY: InjectionKey<ChatContext> = Symbol('chat')

export function provideChat(context: ChatContext): void {
  provide(KEY, context)
}

export function useChatContext(): ChatContext {
  const context = inject(KEY)
  if (context === undefined) throw new Error('not inside an open conversation')
  return context
}
