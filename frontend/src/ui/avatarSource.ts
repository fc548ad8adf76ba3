/* Where the picture of an id is, if it has one: the app says so, for this layer knows nobody. `fileId` is for whoever knows it
   better, such as a group that one is not in. */
import type { InjectionKey } from 'vue'

export type AvatarSource = (id: string, fileId: string | null) => string

export const AVATAR_SOURCE: InjectionKey<AvatarSource> = Symbol('avatars')
