/* A picture that is made larger, moved and made to fit again, by wheel, fingers and keys. It never leaves its window: what is
   smaller stays in the middle. */
import { computed, reactive } from 'vue'

const MOST = 8
const STEP = 1.4
/* So far a finger goes sideways until it means the next picture. */
const SWIPE_PX = 60
const TAP_MS = 300

interface Point {
  x: number
  y: number
}

/* How far the middle may move, so that no edge comes inside the window. */
export function bounded(offset: number, shown: number, room: number): number {
  const most = Math.max(0, (shown - room) / 2)
  return Math.min(most, Math.max(-most, offset))
}

export function useZoom(size: () => { shown: Point; room: Point }, swiped: (by: 1 | -1) => void) {
  const at = reactive({ scale: 1, x: 0, y: 0 })
  const fingers = new Map<number, Point>()
  let began: { at: Point; distance: number; scale: number; x: number; y: number } | null = null
  let lastTap = 0

  const zoomed = computed(() => at.scale > 1)
  const transform = computed(() => `translate(${at.x}px, ${at.y}px) scale(${at.scale})`)

  function move(x: number, y: number): void {
    const { shown, room } = size()
    at.x = bounded(x, shown.x * at.scale, room.x)
    at.y = bounded(y, shown.y * at.scale, room.y)
  }

  /* Keeps what is under `point` (from the middle of the window) where it is. */
  function zoomTo(scale: number, point: Point = { x: 0, y: 0 }): void {
    const before = at.scale
    at.scale = Math.min(MOST, Math.max(1, scale))
    const ratio = at.scale / before
    move(point.x - (point.x - at.x) * ratio, point.y - (point.y - at.y) * ratio)
  }

  function reset(): void {
    Object.assign(at, { scale: 1, x: 0, y: 0 })
    fingers.clear()
    began = null
  }

  function fromMiddle(event: MouseEvent): Point {
    const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect()
    return { x: event.clientX - left - width / 2, y: event.clientY - top - height / 2 }
  }

  function middle(): Point {
    const all = [...fingers.values()]
    return { x: all.reduce((sum, { x }) => sum + x, 0) / all.length, y: all.reduce((sum, { y }) => sum + y, 0) / all.length }
  }

  function distance(): number {
    const [a, b] = [...fingers.values()]
    return a === undefined || b === undefined ? 0 : Math.hypot(a.x - b.x, a.y - b.y)
  }

  function begin(): void {
    began = fingers.size === 0 ? null : { at: middle(), distance: distance(), scale: at.scale, x: at.x, y: at.y }
  }

  function lift(event: PointerEvent): void {
    if (!fingers.has(event.pointerId)) return
    const last = fingers.get(event.pointerId)
    const alone = fingers.size === 1
    fingers.delete(event.pointerId)
    const by = began === null || last === undefined ? 0 : last.x - began.at.x
    if (alone && at.scale === 1 && event.type === 'pointerup' && event.pointerType === 'touch' && Math.abs(by) > SWIPE_PX) swiped(by < 0 ? 1 : -1)
    begin()
  }

  return {
    zoomed, transform, reset,
    closer: () => zoomTo(at.scale * STEP),
    further: () => zoomTo(at.scale / STEP),
    on: {
      wheel(event: WheelEvent): void {
        event.preventDefault()
        zoomTo(at.scale * Math.exp(-event.deltaY / 300), fromMiddle(event))
      },
      pointerdown(event: PointerEvent): void {
        const target = event.currentTarget as HTMLElement
        target.setPointerCapture(event.pointerId)
        fingers.set(event.pointerId, fromMiddle(event))
        begin()
        if (fingers.size > 1) return
        if (event.timeStamp - lastTap < TAP_MS) zoomTo(zoomed.value ? 1 : 2.5, fromMiddle(event))
        lastTap = event.timeStamp
      },
      pointermove(event: PointerEvent): void {
        if (!fingers.has(event.pointerId) || began === null) return
        fingers.set(event.pointerId, fromMiddle(event))
        if (began.distance > 0) zoomTo((began.scale * distance()) / began.distance, middle())
        else if (zoomed.value) move(began.x + middle().x - began.at.x, began.y + middle().y - began.at.y)
      },
      pointerup: lift,
      pointercancel: lift,
    },
  }
}
