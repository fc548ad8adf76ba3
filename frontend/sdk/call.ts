// One call: its body or its end, all pages of a list, once more after a lost answer.
import createFetchClient from 'openapi-fetch'
import { PosthouseError } from './errors'
import type { paths } from './schema.gen'
import type { Page, PageQuery } from './types'

export type House = ReturnType<typeof createFetchClient<paths>>

export function createHouse(baseUrl: string, fetch: (request: Request) => Promise<Response>): House {
  return createFetchClient<paths>({ baseUrl, fetch })
}

/** The body of a success. A body that is no JSON object was not written, or not wholly, by the house. */
export async function bodyOf<T>(call: Promise<{ data?: T; response: Response }>): Promise<T> {
  let answer
  try {
    answer = await call
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new PosthouseError({ code: 'offline', detail: 'the answer was cut off' }, { cause })
    throw cause
  }
  if (answer.data === null || typeof answer.data !== 'object') {
    throw new PosthouseError({ code: 'offline', status: answer.response.status, detail: 'the answer is no object' })
  }
  return answer.data
}

/** For an answer without a body. */
export async function done(call: Promise<unknown>): Promise<void> {
  await call
}

const LARGEST_PAGE = 200
/** No list of a person is longer; a house that never ends a list would keep us for ever. */
const MOST_PAGES = 500

/** All pages of a list. */
export async function every<T>(read: (query: PageQuery) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = []
  let cursor: string | null = null
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer: Page<T> = await read({ limit: LARGEST_PAGE, ...(cursor === null ? {} : { cursor }) })
    items.push(...answer.items)
    if (answer.next_cursor === null || answer.next_cursor === cursor) break
    cursor = answer.next_cursor
  }
  return items
}

/** Once more after a lost answer: only for what is safe to repeat, by its key or its nature. */
export async function onceMore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof PosthouseError && error.code === 'outcome_unknown') return work()
    throw error
  }
}
