/* Puts the page together: language, client, stores, router. */
import { browserBytes, browserEnvironment, browserNeighbours, browserParcels, browserStorage, createClient } from '@sdk'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { provideClient } from '@/stores/client'
import { usePreferences } from '@/stores/preferences'
import AppRoot from './AppRoot.vue'
import { deviceNames } from './device'
import { makeI18n } from './i18n'
import { makeRouter } from './router'
import './styles/index.ts'

const app = createApp(AppRoot)
app.use(createPinia())

const i18n = makeI18n(usePreferences().locale)
const { t } = i18n.global
const { browser, system } = deviceNames(navigator.userAgent)
const name = t('device.name', { browser: browser ?? t('device.browser'), system: system ?? t('device.system') })

provideClient(
  createClient({
    baseUrl: '/api/v1',
    device: { name, platform: 'web' },
    storage: browserStorage(),
    environment: browserEnvironment(),
    neighbours: browserNeighbours(),
    sendBytes: browserBytes(),
    parcelStore: browserParcels(),
  }),
)

app.use(i18n)
app.use(makeRouter())
app.mount('#app')
