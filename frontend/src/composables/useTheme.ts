/* Puts the wished or the system's appearance on <html>, and switches between the two. */
import { computed, watchEffect } from 'vue'
import { usePreferences } from '@/stores/preferences'
import { useMediaQuery } from './useMediaQuery'

export function useTheme() {
  const preferences = usePreferences()
  const systemDark = useMediaQuery('(prefers-color-scheme: dark)')
  const dark = computed(() => (preferences.theme === 'auto' ? systemDark.value : preferences.theme === 'dark'))

  function toggle(): void {
    const wished = dark.value ? 'light' : 'dark'
    const system = systemDark.value ? 'dark' : 'light'
    preferences.theme = wished === system ? 'auto' : wished
  }

  return { dark, toggle }
}

/* Called once, by the app's root. */
export function applyTheme(): void {
  const { dark } = useTheme()
  watchEffect(() => {
    document.documentElement.classList.toggle('dark', dark.value)
    document.querySelector('meta[name="theme-color"]')?.setAttribute('content', dark.value ? '#141310' : '#f3eee3')
  })
}
