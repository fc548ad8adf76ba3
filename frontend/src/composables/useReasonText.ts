/* Why a model said nothing, in the reader's language, from the word of the house. */
import { useI18n } from 'vue-i18n'

export function useReasonText() {
  const { t, te } = useI18n()

  function reasonText(reason: string | null): string {
    const key = `system.ai.failed.${reason ?? ''}`
    return te(key) ? t(key) : t('errors.fallback')
  }

  return { reasonText }
}
