/* The time, to the half minute, for labels that grow old. The timer lives with the scope that asked. */
import { onScopeDispose, readonly, ref, type Ref } from 'vue'

export function useNow(everyMs = 30_000): Readonly<Ref<number>> {
  const now = ref(Date.now())
  const timer = setInterval(() => (now.value = Date.now()), everyMs)
  onScopeDispose(() => clearInterval(timer))
  return readonly(now)
}
