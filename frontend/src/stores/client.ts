/* The one client of the page. The app (or a test) provides it before any store is used. */
import type { Client } from '@sdk'

let current: Client | null = null

export function provideClient(client: Client): void {
  current = client
}

export function useClient(): Client {
  if (current === null) throw new Error('provideClient() was not called')
  return current
}
