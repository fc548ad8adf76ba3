// A typed list of listeners. One that throws does not keep the others from hearing.

type Listeners = Record<string, (...args: never[]) => void>

export class Emitter<L extends { [K in keyof L]: Listeners[string] }> {
  private readonly listeners = new Map<keyof L, Set<L[keyof L]>>()

  on<K extends keyof L>(name: K, listener: L[K]): () => void {
    const set = this.listeners.get(name) ?? new Set<L[keyof L]>()
    this.listeners.set(name, set)
    set.add(listener)
    return () => void set.delete(listener)
  }

  /** Whether anybody listens. */
  isHeard(name: keyof L): boolean {
    return (this.listeners.get(name)?.size ?? 0) > 0
  }

  emit<K extends keyof L>(name: K, ...args: Parameters<L[K]>): void {
    for (const listener of [...(this.listeners.get(name) ?? [])]) {
      try {
        listener(...args)
      } catch (error) {
        // The listener's own fault: reported as any uncaught error is, after everybody has heard.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
