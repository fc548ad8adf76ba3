// What the SDK wants to know of its surroundings. The browser's is in browser.ts; this one is always online and visible.

/**
 * `online`/`offline`: the network; `visible`/`hidden`: the page; `focus`: the person turned to this window; `gone`: the page is
 * put away, for ever or until it is `visible` again.
 */
export type EnvironmentChange = 'online' | 'offline' | 'visible' | 'hidden' | 'focus' | 'gone'

export interface Environment {
  isOnline(): boolean
  isVisible(): boolean
  /** Returns the way to stop. */
  subscribe(listener: (change: EnvironmentChange) => void): () => void
}

export const alwaysOn: Environment = {
  isOnline: () => true,
  isVisible: () => true,
  subscribe: () => () => undefined,
}
