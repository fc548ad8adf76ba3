// The one error of the SDK. Decide by `code`; `detail` is for developers.
import type { Code, FieldError } from './types'

/** The house's codes, and `offline`: no answer of the house arrived (no network, time over, or somebody else answered). */
export type ErrorCode = Code | 'offline'

export interface ErrorFields {
  code: ErrorCode
  status?: number
  detail?: string
  errors?: FieldError[]
  requestId?: string | null
  retryAfter?: number | null
}

export class PosthouseError extends Error {
  override readonly name = 'PosthouseError'
  readonly code: ErrorCode
  /** HTTP status; 0 if there was none. */
  readonly status: number
  readonly detail: string
  /** The fields that were refused, for `invalid_request`. */
  readonly errors: FieldError[]
  readonly requestId: string | null
  /** Seconds, where the house said how long to wait. */
  readonly retryAfter: number | null

  constructor(fields: ErrorFields, options?: ErrorOptions) {
    super(fields.detail ? `${fields.code}: ${fields.detail}` : fields.code, options)
    this.code = fields.code
    this.status = fields.status ?? 0
    this.detail = fields.detail ?? ''
    this.errors = fields.errors ?? []
    this.requestId = fields.requestId ?? null
    this.retryAfter = fields.retryAfter ?? null
  }

  /** Whether repeating the same (with the same client-made id) may help without anybody changing anything. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code)
  }
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['offline', 'unavailable', 'outcome_unknown', 'rate_limited'])

/** Whether `error` is ours, and of this code if one is given. */
export function isPosthouseError(error: unknown, code?: ErrorCode): error is PosthouseError {
  return error instanceof PosthouseError && (code === undefined || error.code === code)
}
