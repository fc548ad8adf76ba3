/* Whether any of the names holds what is searched, without regard to case, width and accents. */

function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
}

export function matches(query: string, names: readonly (string | null | undefined)[]): boolean {
  const wanted = fold(query.trim())
  return wanted === '' || names.some((name) => name != null && fold(name).includes(wanted))
}
