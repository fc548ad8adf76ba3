// Signing up, in and out.
import { bodyOf, done, type House } from './call'
import type { Client } from './client'
import { isPosthouseError } from './errors'
import type { SessionKeeper } from './session'
import { tokenTransport } from './transport'
import type { Device } from './types'

type Account = Pick<Client, 'signUp' | 'signIn' | 'signOut' | 'resetPassword'>

export function createAccount(open: House, keeper: SessionKeeper, device: Device, fetch: typeof globalThis.fetch): Account {
  const logout = (token: string) => done(open.POST('/logout', { fetch: tokenTransport(fetch, token) }))

  /** Ends the session at the house too; without that it would end by itself in 30 days. */
  async function farewell({ accessToken, refreshToken }: { accessToken: string; refreshToken: string }): Promise<void> {
    try {
      await logout(accessToken)
    } catch (error) {
      if (!isPosthouseError(error, 'token_expired')) throw error
      const fresh = await bodyOf(open.POST('/token/refresh', { body: { refresh_token: refreshToken } }))
      await logout(fresh.access_token)
    }
  }

  return {
    async signUp(account) {
      const answer = await bodyOf(open.POST('/register', { body: { ...account, device } }))
      keeper.start(answer)
      return answer.user
    },
    async signIn(account) {
      const answer = await bodyOf(open.POST('/login', { body: { ...account, device } }))
      keeper.start(answer)
      return answer.user
    },
    async signOut() {
      const tokens = keeper.tokens
      keeper.end('left')
      if (tokens) await farewell(tokens).catch(() => undefined)
    },
    resetPassword: (reset) => done(open.POST('/password-reset', { body: reset })),
  }
}
