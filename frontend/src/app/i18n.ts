import { createI18n } from 'vue-i18n'
import en, { type Messages } from '@/locales/en'
import zhCN from '@/locales/zh-CN'

export function makeI18n(locale: string) {
  return createI18n<[Messages], 'en' | 'zh-CN', false>({
    legacy: false,
    locale,
    fallbackLocale: 'en',
    messages: { en, 'zh-CN': zhCN },
  })
}
