/* What something cost, in the currency that the operator wrote; empty where nobody knows. */
import { useI18n } from 'vue-i18n'

export function useMoney() {
  const { locale } = useI18n()

  function money(micros: number, currency: string | null): string {
    if (currency === null || micros === 0) return ''
    const amount = micros / 1_000_000
    const digits = { minimumFractionDigits: 2, maximumFractionDigits: amount < 1 ? 6 : 2 }
    try {
      return new Intl.NumberFormat(locale.value, { ...digits, style: 'currency', currency, currencyDisplay: 'narrowSymbol' }).format(amount)
    } catch (error) {
      // What the operator wrote is no code that the browser knows.
      if (!(error instanceof RangeError)) throw error
      return `${new Intl.NumberFormat(locale.value, digits).format(amount)} ${currency}`
    }
  }

  return { money, count: (n: number) => new Intl.NumberFormat(locale.value).format(n) }
}
