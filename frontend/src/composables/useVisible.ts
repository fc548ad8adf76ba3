/* Whether a person can be assumed to look at this page: it is visible and has the focus. */
import { onScopeDispose, readonly, ref, type Ref } from 'vue'

const EVENTS = ['focus', 'blur', 'visibilitychange'] as const

export function useVisible(): Readonly<Ref<boolean>> {
  const look = () => document.visibilityState === 'visible' && document.hasFocus()
  const visible = ref(look())
  const follow = () => (visible.value = look())

  for (const event of EVENTS) {
    const target = event === 'visibilitychange' ? document : window
    target.addEventListener(event, follow)
    onScopeDispose(() => target.removeEventListener(event, follow))
  }
  return readonly(visible)
}
