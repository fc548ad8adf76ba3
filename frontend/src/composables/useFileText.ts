/* Files in words: what they are, how large, and why they were not sent. */
import { useI18n } from 'vue-i18n'
import { durationText, sizeText } from './fileNames'
import type { FileBody } from './messageBody'
import { useErrorText } from './useErrorText'

export function useFileText() {
  const { t, te, locale } = useI18n()
  const { codeText } = useErrorText()

  /* One line for lists and quotes: "[Video] 0:12". */
  function label(body: FileBody): string {
    const text = body.kind === 'file' ? body.name : body.kind === 'image' ? '' : durationText(body.durationMs)
    return t('message.labelled', { label: t(`files.kind.${body.kind}`), text }).trim()
  }

  return {
    label,
    size: (bytes: number) => sizeText(bytes, locale.value),
    /* Why something was not sent: a file has reasons of its own. */
    failure: (code: string, isFile: boolean) => (isFile && te(`files.errors.${code}`) ? t(`files.errors.${code}`) : codeText(code)),
  }
}
