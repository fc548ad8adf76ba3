// Where files on their way are kept, so that they go on after a reload. The browser's is in browser-files.ts; this one lives in memory.
import type { Parcel } from './parcels'

/** Only the bytes are large, and they never change: they are kept once. */
export interface ParcelStore {
  /** Those of a person, in the order in which they were added. */
  load(userId: string): Promise<Parcel[]>
  get(userId: string, id: string): Promise<Parcel | null>
  /** Rejects if there is no room for it. */
  add(userId: string, parcel: Parcel): Promise<void>
  /** Changes all but the bytes of one that is there. */
  change(userId: string, parcel: Parcel): Promise<void>
  drop(userId: string, id: string): Promise<void>
  clear(userId: string): Promise<void>
}

export function memoryParcels(): ParcelStore {
  const people = new Map<string, Map<string, Parcel>>()
  const of = (userId: string) => {
    const known = people.get(userId) ?? new Map<string, Parcel>()
    people.set(userId, known)
    return known
  }
  return {
    load: async (userId) => [...of(userId).values()].sort((a, b) => a.created_at - b.created_at),
    get: async (userId, id) => of(userId).get(id) ?? null,
    add: async (userId, parcel) => void of(userId).set(parcel.client_msg_id, parcel),
    async change(userId, parcel) {
      if (of(userId).has(parcel.client_msg_id)) of(userId).set(parcel.client_msg_id, parcel)
    },
    drop: async (userId, id) => void of(userId).delete(id),
    clear: async (userId) => void people.delete(userId),
  }
}
