/* A media query as a ref that follows it while the scope lives. */
import { onScopeDispose, readonly, ref, type Ref } from 'vue'

export const PHONE = '(max-width: 720px)'

export function useMediaQuery(query: string): Readonly<Ref<boolean>> {
  const list = window.matchMedia(query)
  const matches = ref(list.matches)
  const follow = (event: MediaQueryListEvent) => (matches.value = event.matches)

  list.addEventListener('change', follow)
  onScopeDispose(() => list.removeEventListener('change', follow))
  return readonly(matches)
}
