import { describe, expect, it } from 'vitest'
import { linkify } from './linkify'

describe('linkify', () => {
  it('leaves plain text whole', () => {
    expect(linkify('a < b & "c"')).toEqual([{ text: 'a < b & "c"' }])
    expect(linkify('')).toEqual([])
  })

  it('links http, https and www, and nothing else', () => {
    expect(linkify('see www.example.com now')).toEqual([
      { text: 'see ' },
      { text: 'www.example.com', href: 'https://www.example.com/' },
      { text: ' now' },
    ])
    for (const text of ['javascript:alert(1)', 'data:text/html,x', 'ftp://x.y', 'mailto:a@b.c', 'https://']) {
      expect(linkify(text).every((part) => part.href === undefined)).toBe(true)
    }
  })

  it('keeps the sentence out of the link', () => {
    expect(linkify('(https://a.b/c).')).toEqual([
      { text: '(' },
      { text: 'https://a.b/c', href: 'https://a.b/c' },
      { text: ').' },
    ])
    expect(linkify('https://a.b/x_(y)')[0]?.text).toBe('https://a.b/x_(y)')
  })

  it('ends at Chinese punctuation', () => {
    expect(linkify('看https://a.b/c，好')).toEqual([
      { text: '看' },
      { text: 'https://a.b/c', href: 'https://a.b/c' },
      { text: '，好' },
    ])
  })

  it('loses no character', () => {
    const text = 'x https://a.b. y www.c.d) https:// z'
    expect(linkify(text).map((part) => part.text).join('')).toBe(text)
  })
})
