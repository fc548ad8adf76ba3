/* Sizes and failures of files in words. */
import { useI18n } from 'vue-i18n'
import { sizeText } from './fileNames'
import { useErrorText } from './useErrorText'

export function useFileText() {
  const { t, te, locale } = useI18n()
  const { codeText } = useErrorText()

  return {
    size: (bytes: number) => sizeText(bytes, locale.value),
    /* Why something was not sent: a file has reasons of its own. */
    failure: (code: string, isFile: boolean) => (isFile && te(`files.errors.${code}`) ? t(`files.errors.${code}`) : codeText(code)),
  }
}
