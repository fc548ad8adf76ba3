// The session and its tokens: kept in the storage that all tabs share, refreshed in one place and one at a time.
// A refresh token works once, so the new pair is stored before anybody uses it, and the old one is sent again
// only if the answer was lost (the house accepts that for a minute).
import type { SessionInfo, SignedOutReason } from './client'
import { isPosthouseError, PosthouseError } from './errors'
import { patiently } from './patience'
import type { Storage } from './storage'
import type { Refreshed, SignedIn } from './types'
import type { Waker } from './waker'

const KEY = 'posthouse.session'
/** Refresh so long before the access token ends: longer than a request takes, shorter than any life of a token. */
const EARLY_MS = 15_000
const REFRESH_TRIES = 3
/** The house's own: a file token lives as long, whatever an access token does. */
const FILE_TOKEN_MS = 900_000
/** Whoever gets the address of a file will still fetch it a while later. */
const FILE_EARLY_MS = 60_000

interface Stored extends SessionInfo {
  accessToken: string
  refreshToken: string
  expiresAt: number
  /** Absent where an older version signed in. */
  fileExpiresAt?: number
}

export interface KeeperParts {
  storage: Storage
  waker: Waker
  now: () => number
  random: () => number
  /** The bare call, without authorisation. */
  refresh: (refreshToken: string) => Promise<Refreshed>
  onSignedIn: (session: SessionInfo) => void
  onSignedOut: (reason: SignedOutReason) => void
}

export class SessionKeeper {
  private session: Stored | null
  private flight: Promise<string> | null = null
  private readonly unsubscribe: () => void

  constructor(private readonly parts: KeeperParts) {
    this.session = this.read()
    this.unsubscribe = parts.storage.subscribe?.((key) => key === KEY && this.adopt()) ?? (() => undefined)
  }

  get info(): SessionInfo | null {
    return this.session && infoOf(this.session)
  }

  /** The tokens, for the farewell of `signOut`. */
  get tokens(): { accessToken: string; refreshToken: string } | null {
    return this.session
  }

  start(answer: SignedIn): void {
    this.end('left')
    const session = { userId: answer.user.id, sessionId: answer.session_id, ...tokensOf(answer, this.parts.now()) }
    this.write(session)
    this.parts.onSignedIn(infoOf(session))
  }

  end(reason: SignedOutReason): void {
    if (!this.session) return
    this.session = null
    this.parts.storage.remove(KEY)
    this.parts.onSignedOut(reason)
  }

  /** An access token that should work for so long; refreshes if it ends before. */
  async accessToken(forMs = EARLY_MS): Promise<string> {
    if (!this.session) throw signedOut()
    if (this.session.expiresAt - forMs > this.parts.now()) return this.session.accessToken
    return this.refreshed(this.session.accessToken)
  }

  /** A token for addresses of files, good for a while; refreshes if it is about to end. */
  async fileToken(): Promise<{ token: string; until: number }> {
    if (!this.session) throw signedOut()
    if ((this.session.fileExpiresAt ?? 0) - FILE_EARLY_MS <= this.parts.now()) await this.refreshed(this.session.accessToken)
    if (!this.session) throw signedOut()
    return { token: this.session.fileToken, until: (this.session.fileExpiresAt ?? 0) - FILE_EARLY_MS }
  }

  /** A token other than `stale`, which the house refused as expired. */
  refreshed(stale: string): Promise<string> {
    if (this.session && this.session.accessToken !== stale && this.session.expiresAt > this.parts.now()) {
      return Promise.resolve(this.session.accessToken)
    }
    this.flight ??= this.locked(() => this.exchange(stale)).finally(() => {
      this.flight = null
    })
    return this.flight
  }

  /** The house does not know `refused` any more. Answers a newer token of another tab, or ends the session. */
  replacement(refused: string): string {
    this.adopt()
    if (this.session && this.session.accessToken !== refused) return this.session.accessToken
    this.end('expired')
    throw signedOut()
  }

  close(): void {
    this.unsubscribe()
  }

  private locked<T>(work: () => Promise<T>): Promise<T> {
    const { storage } = this.parts
    return storage.lock ? storage.lock('posthouse.refresh', work) : work()
  }

  private async exchange(stale: string): Promise<string> {
    // Another tab may have refreshed while we waited for the lock, or signed out.
    this.adopt()
    const before = this.session
    if (!before) throw signedOut()
    if (before.accessToken !== stale && before.expiresAt - EARLY_MS > this.parts.now()) return before.accessToken
    let answer: Refreshed
    try {
      // A lost answer is repaired by asking again soon, with the same token.
      const { waker, random, refresh } = this.parts
      answer = await patiently({ waker, random, tries: REFRESH_TRIES }, () => refresh(before.refreshToken))
    } catch (error) {
      return this.refusedRefresh(before, error)
    }
    // Signed out, or somebody else signed in, while the answer was on its way: it is nobody's now.
    this.adopt()
    if (this.session?.sessionId !== before.sessionId) throw signedOut()
    this.write({ ...before, ...tokensOf(answer, this.parts.now()) })
    return answer.access_token
  }

  private refusedRefresh(before: Stored, error: unknown): string {
    if (isPosthouseError(error, 'unauthenticated')) {
      this.adopt()
      // A tab without our lock was faster: its pair is the good one.
      if (this.session && this.session.refreshToken !== before.refreshToken) return this.session.accessToken
      this.end('expired')
    } else if (isPosthouseError(error, 'account_suspended')) {
      this.end('revoked')
    }
    throw error
  }

  /** Takes over what the storage says, and tells if that is another session than ours. */
  private adopt(): void {
    const was = this.session
    const is = this.read()
    this.session = is
    if (was && was.sessionId !== is?.sessionId) this.parts.onSignedOut('left')
    if (is && was?.sessionId !== is.sessionId) this.parts.onSignedIn(infoOf(is))
  }

  private read(): Stored | null {
    const text = this.parts.storage.get(KEY)
    if (text === null) return null
    try {
      const value: unknown = JSON.parse(text)
      return isStored(value) ? value : null
    } catch {
      return null
    }
  }

  private write(session: Stored): void {
    this.session = session
    this.parts.storage.set(KEY, JSON.stringify(session))
  }
}

function infoOf({ userId, sessionId, fileToken }: Stored): SessionInfo {
  return { userId, sessionId, fileToken }
}

function tokensOf(answer: Refreshed, now: number) {
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    fileToken: answer.file_token,
    expiresAt: now + answer.expires_in * 1_000,
    fileExpiresAt: now + FILE_TOKEN_MS,
  }
}

function isStored(value: unknown): value is Stored {
  if (value === null || typeof value !== 'object') return false
  const stored = value as Record<keyof Stored, unknown>
  const texts = [stored.userId, stored.sessionId, stored.fileToken, stored.accessToken, stored.refreshToken]
  return texts.every((text) => typeof text === 'string') && typeof stored.expiresAt === 'number'
}

function signedOut(): PosthouseError {
  return new PosthouseError({ code: 'unauthenticated', status: 401, detail: 'there is no session' })
}
