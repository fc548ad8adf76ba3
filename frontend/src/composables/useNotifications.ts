/* Notifications of the browser: only over https (or localhost), only if wished, only while the page is not looked at. */
import { ref } from 'vue'
import { usePreferences } from '@/stores/preferences'

export type NotifyState = 'insecure' | 'denied' | 'off' | 'on'

function permission(): NotificationPermission | 'insecure' {
  return window.isSecureContext && 'Notification' in window ? Notification.permission : 'insecure'
}

export function useNotifications() {
  const preferences = usePreferences()
  const allowed = ref(permission())

  function state(): NotifyState {
    if (allowed.value === 'insecure') return 'insecure'
    if (allowed.value === 'denied') return 'denied'
    return preferences.notify && allowed.value === 'granted' ? 'on' : 'off'
  }

  async function switchTo(on: boolean): Promise<void> {
    if (on && allowed.value === 'default') allowed.value = await Notification.requestPermission()
    preferences.notify = on && allowed.value === 'granted'
  }

  function show(title: string, body: string, tag: string, onClick: () => void): void {
    if (state() !== 'on') return
    const notification = new Notification(title, { body, tag, icon: '/icon.svg' })
    notification.onclick = () => {
      window.focus()
      notification.close()
      onClick()
    }
  }

  return { state, switchTo, show }
}
