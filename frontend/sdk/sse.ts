// Server-Sent Events, as far as the house speaks them: `id:` and `data:`; comments and unknown fields are passed over.
// Bytes may be split anywhere, also inside a character or between CR and LF.

export interface SseMessage {
  id: string | null
  data: string
}

/** Longer than any answer of the house; a sender that never ends a message must not fill our memory. */
const LONGEST = 8 * 1024 * 1024

export class SseParser {
  private readonly decoder = new TextDecoder()
  private line = ''
  private id: string | null = null
  private data: string[] = []
  /** Characters of the message that is being read. */
  private size = 0
  private afterCr = false

  constructor(private readonly longest = LONGEST) {}

  /** The messages that these bytes complete. Throws if one grows too long. */
  push(bytes: Uint8Array): SseMessage[] {
    const messages: SseMessage[] = []
    let text = this.decoder.decode(bytes, { stream: true })
    if (text === '') return messages
    if (this.afterCr && text.startsWith('\n')) text = text.slice(1)
    this.afterCr = text.endsWith('\r')
    const pieces = text.split(/\r\n|\r|\n/)
    const rest = pieces.pop() ?? ''
    for (const piece of pieces) {
      this.grow(piece)
      const message = this.endLine()
      if (message) messages.push(message)
    }
    this.grow(rest)
    return messages
  }

  private grow(piece: string): void {
    this.size += piece.length
    if (this.size > this.longest) throw new RangeError('a message of the stream is too long')
    this.line += piece
  }

  private endLine(): SseMessage | null {
    const line = this.line
    this.line = ''
    if (line === '') return this.endMessage()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') this.data.push(value)
    else this.size -= line.length
    if (field === 'id') this.id = value
    return null
  }

  private endMessage(): SseMessage | null {
    const message = this.data.length > 0 ? { id: this.id, data: this.data.join('\n') } : null
    this.data = []
    this.id = null
    this.size = 0
    return message
  }
}
