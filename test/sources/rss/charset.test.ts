import { describe, expect, it } from 'vitest'
import { decode, findCharset } from '../../../src/sources/rss/charset.ts'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le')
const declared = (charset: string): string => `<?xml version="1.0" encoding="${charset}"?><a>é</a>`

function read(bytes: Buffer, contentType = ''): string | undefined {
  const found = findCharset(bytes, contentType)
  return decode(found.bytes, found.charset)
}

describe('the charset of a document', () => {
  it.each([
    ['its default, UTF-8', Buffer.from('<a>é</a>'), ''],
    ['a byte order mark over all else', Buffer.from('\uFEFF<a>é</a>'), 'text/xml; charset=iso-8859-1'],
    ['the header', latin1('<a>é</a>'), 'text/xml; charset="ISO-8859-1"'],
    ['a header with a space', latin1('<a>é</a>'), 'text/xml;charset = latin1;x=y'],
    ['UTF-16 with a mark', Buffer.concat([Buffer.from([0xff, 0xfe]), utf16('<a>é</a>')]), ''],
    ['UTF-16 without a mark', utf16('<a>é</a>'), ''],
    ['big-endian UTF-16', Buffer.concat([Buffer.from([0xfe, 0xff]), utf16('<a>é</a>').swap16()]), ''],
  ])('is %s', (_, bytes, contentType) => expect(read(bytes, contentType)).toBe('<a>é</a>'))

  it('is the declaration', () => expect(read(latin1(declared('windows-1252')))).toBe(declared('windows-1252')))

  it('is UTF-8 where header or declaration say so and every byte agrees', () => {
    expect(read(Buffer.from(declared('utf-8')), 'text/xml; charset=iso-8859-1')).toBe(declared('utf-8'))
    expect(read(Buffer.from(declared('iso-8859-1')), 'text/xml; charset=utf-8')).toBe(declared('iso-8859-1'))
    expect(read(latin1(declared('iso-8859-1')), 'text/xml; charset=utf-8')).toBe(declared('iso-8859-1'))
    expect(read(Buffer.from(declared('UTF-16')))).toBe(declared('UTF-16'))
  })

  it('tells windows-1252 from the controls of ISO 8859-1', () => {
    expect(read(Buffer.from([0x80, 0x93]), 'text/xml; charset=windows-1252')).toBe('€“')
  })

  it('is not guessed when it is unknown, or broken', () => {
    expect(() => findCharset(Buffer.from('<a/>'), 'text/xml; charset=klingon')).toThrow(
      'The charset "klingon" is not known.',
    )
    expect(() => findCharset(Buffer.from([0xff, 0xfe, 0x3c]), '')).toThrow('not the utf-16le that it begins as')
    expect(decode(latin1('é'), 'utf-8')).toBeUndefined()
  })
})
