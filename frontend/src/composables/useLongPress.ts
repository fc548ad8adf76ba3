/* A finger that rests on something opens what a right click opens. Browsers on phones mostly tell so themselves by `contextmenu`;
   Safari does not. A finger that moves scrolls and opens nothing. */
import { onScopeDispose } from 'vue'

const REST_MS = 450
const MOVED_PX = 10

export function useLongPress(open: (x: number, y: number) => void) {
  let timer: ReturnType<typeof setTimeout> | undefined
  let from = { x: 0, y: 0 }

  function end(): void {
    clearTimeout(timer)
    timer = undefined
  }

  function onPointerdown(event: PointerEvent): void {
    end()
    if (event.pointerType !== 'touch') return
    from = { x: event.clientX, y: event.clientY }
    timer = setTimeout(() => (end(), open(from.x, from.y)), REST_MS)
  }

  function onPointermove(event: PointerEvent): void {
    if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > MOVED_PX) end()
  }

  function onContextmenu(event: MouseEvent): void {
    event.preventDefault()
    end()
    open(event.clientX, event.clientY)
  }

  onScopeDispose(end)
  return { onPointerdown, onPointermove, onPointerup: end, onPointercancel: end, onContextmenu }
}
