// The parser of streams: split anywhere, every line end, comments, several lines of data, a bound.
import { expect, test } from 'vitest'
import { SseParser, type SseMessage } from '../sse'

const utf8 = new TextEncoder()

function parse(text: string, size = Infinity): SseMessage[] {
  const bytes = utf8.encode(text)
  const parser = new SseParser()
  const messages: SseMessage[] = []
  for (let at = 0; at < bytes.length; at += size) messages.push(...parser.push(bytes.subarray(at, at + size)))
  return messages
}

const SAMPLE = ':\n\nid: e.1\r\ndata: {"text":"驿站 🐎"}\r\n\r\n: beat\n\nid:e.2\ndata: one\ndata:\ndata:  three\n\nretry: 5\rdata: é\r\r'
const MESSAGES = [
  { id: 'e.1', data: '{"text":"驿站 🐎"}' },
  { id: 'e.2', data: 'one\n\n three' },
  { id: null, data: 'é' },
]

test.each([1, 2, 3, 5, 7, 11, 64, Infinity])('pieces of %s bytes', (size) => {
  expect(parse(SAMPLE, size)).toEqual(MESSAGES)
})

test('split once, at every byte', () => {
  const bytes = utf8.encode(SAMPLE)
  for (let at = 0; at <= bytes.length; at++) {
    const parser = new SseParser()
    expect([...parser.push(bytes.subarray(0, at)), ...parser.push(bytes.subarray(at))]).toEqual(MESSAGES)
  }
})

test('what is no message is none', () => {
  expect(parse('\n\n:\n\nid: 5\n\nevent: x\n\n')).toEqual([])
  expect(parse('data: unfinished\n')).toEqual([])
  expect(parse('data\n\n')).toEqual([{ id: null, data: '' }])
})

test('an id is that of its own message only', () => {
  expect(parse('id: 1\ndata: a\n\ndata: b\n\n').map(({ id }) => id)).toEqual(['1', null])
})

test('a line, or a message, that never ends is refused', () => {
  const line = new SseParser(100)
  expect(() => line.push(utf8.encode('data: ' + 'x'.repeat(200)))).toThrow(RangeError)
  const message = new SseParser(100)
  expect(() => {
    for (let i = 0; i < 50; i++) message.push(utf8.encode('data: xxxx\n'))
  }).toThrow(RangeError)
})

test('heartbeats without a message are not counted into one', () => {
  const parser = new SseParser(100)
  for (let i = 0; i < 1_000; i++) parser.push(utf8.encode(': beat\n\n'))
  for (let i = 0; i < 1_000; i++) parser.push(utf8.encode(': beat\n'))
  expect(parser.push(utf8.encode('data: x\n\n'))).toEqual([{ id: null, data: 'x' }])
})
