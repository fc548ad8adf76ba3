// What the SDK wants to know of its surroundings. The browser's is in browser.ts; this one is always online and visible.

/** `online`/`offline`: the network; `visible`/`hidden`: the page; `focus`: the person turned to this window. */
export type EnvironmentChange = 'online' | 'offline' | 'visible' | 'hidden' | 'focus'

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
