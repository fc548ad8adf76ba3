/* A quick judgement of a password for the person who is choosing it. The server decides; this only advises. */

export type Strength = 'none' | 'weak' | 'fair' | 'good' | 'strong'

const KINDS = [/\p{Ll}/u, /\p{Lu}/u, /\p{Lo}/u, /\p{N}/u, /[^\p{L}\p{N}]/u]
const COMMON = /^(?:password|passw0rd|qwerty|abc123|iloveyou|admin|welcome|letmein|posthouse|1q2w3e|woaini)/iu

/* Neighbours on the number line or the alphabet, and repetitions, add little. */
function surprisingLength(password: string): number {
  const codes = Array.from(password, (char) => char.codePointAt(0) ?? 0)
  return codes.filter((code, i) => i === 0 || Math.abs(code - (codes[i - 1] ?? 0)) > 1).length
}

export function passwordStrength(password: string, username = ''): Strength {
  if (password === '') return 'none'
  const length = Array.from(password).length
  if (length < 8 || COMMON.test(password)) return 'weak'
  if (username.length >= 3 && password.toLowerCase().includes(username.toLowerCase())) return 'weak'

  const kinds = KINDS.filter((kind) => kind.test(password)).length
  const score = surprisingLength(password) + (kinds - 1) * 2.5
  if (score < 8) return 'weak'
  if (score < 12) return 'fair'
  if (score < 17) return 'good'
  return 'strong'
}
