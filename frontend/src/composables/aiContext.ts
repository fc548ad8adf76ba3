/* What assistants and the house's model do in an open conversation, shared with the parts of it. */
import type { AiReply } from '@sdk'
import { inject, provide, type InjectionKey, type Ref } from 'vue'
import type { MessageAction } from './chatContext'
import type { Answer, MessageRow } from './messageRows'

export interface Translation {
  /* What was translated: of a text that was edited since, it says nothing. */
  source: string
  state: 'loading' | 'done' | 'failed'
  /* The translation, or why there is none. */
  text: string
}

export interface AiContext {
  /* Whether this house has a model. */
  on: Ref<boolean>
  isAssistant: (userId: string | null) => boolean
  /* The answer that was said last, of those that are shown. */
  lastAnswer: Ref<string | null>
  /* Who asked stops it and asks again; nobody else can. */
  mayStop: (answer: Answer) => boolean
  mayRegenerate: (answer: Answer) => boolean
  isStopping: (replyId: string) => boolean
  stop: (replyId: string) => void
  regenerate: (replyId: string) => void
  /* How an answer ended and what it took, once somebody asked for that. */
  detailOf: (replyId: string) => AiReply | null
  wantDetail: (replyId: string) => void
  translationOf: (row: MessageRow) => Translation | null
  /* The actions of a menu with those of this file among them. */
  withActions: (actions: MessageAction[], row: MessageRow) => MessageAction[]
  /* Whether it was one of them. */
  act: (action: MessageAction, row: MessageRow) => boolean
}

const KEY: InjectionKey<AiContext> = Symbol('ai')

export function provideAi(context: AiContext): void {
  provide(KEY, context)
}

export function useAiContext(): AiContext {
  const context = inject(KEY)
  if (context === undefined) throw new Error('not inside an open conversation')
  return context
}
