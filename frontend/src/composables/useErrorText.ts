/* An error in the reader's language. The code decides, never the house's own words. */
import { isPosthouseError } from '@sdk'
import { useI18n } from 'vue-i18n'

export function useErrorText() {
  const { t, te } = useI18n()

  function codeText(code: string, seconds = 0): string {
    const key = `errors.${code}`
    return te(key) ? t(key, { n: seconds }, seconds) : t('errors.fallback')
  }

  function errorText(error: unknown): string {
    return isPosthouseError(error) ? codeText(error.code, error.retryAfter ?? 0) : t('errors.fallback')
  }

  /* The names of the refused fields, without what leads to them. */
  function refusedFields(error: unknown): Set<string> {
    const fields = isPosthouseError(error, 'invalid_request') ? error.errors : []
    return new Set(fields.map((item) => item.field.split('.').at(-1) ?? item.field))
  }

  return { codeText, errorText, refusedFields }
}
