/* Times as people read them, in the reader's language: clock, day, short list form, and "3 minutes ago". */
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

const DAY_MS = 86_400_000

function startOfDay(at: number): number {
  const day = new Date(at)
  day.setHours(0, 0, 0, 0)
  return day.getTime()
}

/* Calendar days between two moments; rounding absorbs the hour of a clock change. */
export function daysBetween(earlier: number, later: number): number {
  return Math.round((startOfDay(later) - startOfDay(earlier)) / DAY_MS)
}

export function useTimeFormat() {
  const { locale, t } = useI18n()
  const make = (options: Intl.DateTimeFormatOptions) =>
    computed(() => new Intl.DateTimeFormat(locale.value, options))

  const clockFormat = make({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const weekdayFormat = make({ weekday: 'long' })
  const dayFormat = make({ month: 'long', day: 'numeric', weekday: 'long' })
  const dateFormat = make({ year: 'numeric', month: 'long', day: 'numeric' })
  const shortFormat = make({ month: 'numeric', day: 'numeric' })
  const shortYearFormat = make({ year: '2-digit', month: 'numeric', day: 'numeric' })
  const soonFormat = make({ month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const fullFormat = make({ dateStyle: 'long', timeStyle: 'medium' })
  const relativeFormat = computed(() => new Intl.RelativeTimeFormat(locale.value, { numeric: 'auto' }))

  const clock = (at: number) => clockFormat.value.format(at)
  const date = (at: number) => dateFormat.value.format(at)
  /* A day and hour of this year or the next. */
  const soon = (at: number) => soonFormat.value.format(at)
  const full = (at: number) => fullFormat.value.format(at)

  function day(at: number, now: number): string {
    const days = daysBetween(at, now)
    if (days <= 0) return t('chat.today')
    if (days === 1) return t('chat.yesterday')
    return new Date(at).getFullYear() === new Date(now).getFullYear() ? dayFormat.value.format(at) : date(at)
  }

  function listTime(at: number, now: number): string {
    const days = daysBetween(at, now)
    if (days <= 0) return clock(at)
    if (days === 1) return t('chat.yesterday')
    if (days < 7) return weekdayFormat.value.format(at)
    return (new Date(at).getFullYear() === new Date(now).getFullYear() ? shortFormat : shortYearFormat).value.format(at)
  }

  function ago(at: number, now: number): string {
    const minutes = Math.floor((now - at) / 60_000)
    if (minutes < 1) return t('time.justNow')
    if (minutes < 60) return relativeFormat.value.format(-minutes, 'minute')
    if (minutes < 24 * 60) return relativeFormat.value.format(-Math.floor(minutes / 60), 'hour')
    const days = daysBetween(at, now)
    return days < 7 ? relativeFormat.value.format(-days, 'day') : date(at)
  }

  return { clock, date, soon, full, day, listTime, ago }
}
