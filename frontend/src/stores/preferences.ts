/* What this browser remembers for itself: language, appearance, whether to notify. Nothing of it is the server's. */
import { defineStore } from 'pinia'
import { ref, watch } from 'vue'

export const LOCALES = ['zh-CN', 'en'] as const
export type AppLocale = (typeof LOCALES)[number]

export const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

function isOneOf<T extends string>(list: readonly T[], value: unknown): value is T {
  return list.some((item) => item === value)
}

/* Private windows may refuse storage: then preferences live as long as the page. */
function readItem(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function writeItem(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    return
  }
}

export function localeOf(wishes: readonly string[]): AppLocale {
  for (const wish of wishes) {
    const language = wish.toLowerCase().split('-')[0]
    if (language === 'zh') return 'zh-CN'
    if (language === 'en') return 'en'
  }
  return 'en'
}

export const usePreferences = defineStore('preferences', () => {
  const savedLocale = readItem('ph.locale')
  const savedTheme = readItem('ph.theme')

  const locale = ref<AppLocale>(isOneOf(LOCALES, savedLocale) ? savedLocale : localeOf(navigator.languages))
  const theme = ref<Theme>(isOneOf(THEMES, savedTheme) ? savedTheme : 'auto')
  const notify = ref(readItem('ph.notify') === 'yes')

  watch(locale, (value) => writeItem('ph.locale', value))
  watch(theme, (value) => writeItem('ph.theme', value))
  watch(notify, (value) => writeItem('ph.notify', value ? 'yes' : 'no'))

  return { locale, theme, notify }
})
