/* How the app answers a person: a short note, a question, and the running of an action whose failure is told where it happened. */
import { ElMessage, ElMessageBox } from 'element-plus'
import { ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useErrorText } from './useErrorText'

export function useFeedback() {
  const { t } = useI18n()
  const { errorText } = useErrorText()
  const busy = ref(false)

  function note(text: string): void {
    ElMessage({ message: text, type: 'success', grouping: true })
  }

  function warn(text: string): void {
    ElMessage({ message: text, type: 'warning', grouping: true })
  }

  function complain(error: unknown): void {
    ElMessage({ message: errorText(error), type: 'error', grouping: true, duration: 5000 })
  }

  async function confirm(title: string, text: string, yes: string): Promise<boolean> {
    try {
      await ElMessageBox.confirm(text, title, { confirmButtonText: yes, cancelButtonText: t('common.cancel'), autofocus: false, customClass: 'ask' })
      return true
    } catch {
      return false
    }
  }

  /* Runs one action at a time; answers whether it succeeded. */
  async function run(work: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    try {
      await work()
      return true
    } catch (error) {
      complain(error)
      return false
    } finally {
      busy.value = false
    }
  }

  return { busy, note, warn, complain, confirm, run }
}
