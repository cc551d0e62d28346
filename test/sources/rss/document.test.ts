import { describe, expect, it } from 'vitest'
import { readDocument } from '../../../src/sources/rss/document.ts'
import type { ParsedEntry } from '../../../src/sources/rss/parsed.ts'

const read = (text: string | Buffer, contentType = '') => readDocument(Buffer.from(text), contentType)
const rss = (items: string, channel = '<title>News</title>'): string =>
  `<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>${channel}${items}</channel></rss>`
const item = (guid: string, rest = ''): string =>
  `<item><guid isPermaLink="false">${guid}</guid><title>${guid}</title>${rest}</item>`

/** Guids of entries; "!" and why for damaged ones. */
const shape = (text: string | Buffer): string[] =>
  read(text).entries.map((entry) => ('entry' in entry ? String(entry.entry.guid) : `! ${entry.damage}`))

function only(text: string): ParsedEntry {
  const [entry] = read(text).entries
  if (!entry || !('entry' in entry)) throw new Error(`no entry: ${JSON.stringify(entry)}`)
  return entry.entry
}

describe('a feed document', () => {
  it('may be RSS 2.0', () => {
    const text = rss(
      `<item><title>A &amp;amp; <![CDATA[<b>B</b>
        &hellip;]]></title><link>http://a.example/1</link><guid>g</guid><author>a@b.example (Ann)</author>
        <dc:creator>Bob</dc:creator><category>x</category><category>x</category><dc:subject>y</dc:subject>
        <description>&lt;p&gt;Text&lt;/p&gt; &amp;amp;</description><content:encoded><![CDATA[<p>Long &amp; well</p>]]></content:encoded>
        <pubDate>Tue, 03 Jun 2003 09:39:21 GMT</pubDate><source url="http://o.example/">Other</source></item>`,
      '<title>News</title><link>http://a.example/</link><language>en-us</language>',
    )
    expect(read(text)).toEqual({
      feed: { title: 'News', language: 'en-us', base: 'http://a.example/', authors: [] },
      entries: [
        {
          entry: {
            guid: 'g',
            title: 'A & B …',
            link: 'http://a.example/1',
            summary: '<p>Text</p> &amp;',
            content: '<p>Long &amp; well</p>',
            authors: ['Ann', 'Bob'],
            categories: ['x', 'y'],
            source: 'Other',
            published: 'Tue, 03 Jun 2003 09:39:21 GMT',
          },
        },
      ],
    })
  })

  it('may be RSS 0.91 with its DOCTYPE', () => {
    const text = `<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">
      <rss version="0.91"><channel><title>Old</title><item><title>caf&eacute; &lt; bar</title><link>http://a.example/</link></item></channel></rss>`
    expect(only(text)).toMatchObject({ title: 'café < bar', link: 'http://a.example/' })
  })

  it.each([
    ['0.90', 'http://my.netscape.com/rdf/simple/0.9/'],
    ['1.0', 'http://purl.org/rss/1.0/'],
  ])('may be RSS %s, which is RDF', (_, namespace) => {
    const text = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="${namespace}" xmlns:d="http://purl.org/dc/elements/1.1/">
      <channel rdf:about="http://a.example/"><title>R</title><link>http://a.example/</link></channel>
      <item rdf:about="http://a.example/1"><title>One</title><link>http://a.example/1</link><d:date>2003-06-03</d:date></item></rdf:RDF>`
    expect(read(text).feed).toMatchObject({ title: 'R', base: 'http://a.example/' })
    expect(only(text)).toMatchObject({ title: 'One', link: 'http://a.example/1', published: '2003-06-03' })
  })

  it('may be Atom', () => {
    const text = `<a:feed xmlns:a="http://www.w3.org/2005/Atom" xml:lang="de" xml:base="http://a.example/b/"><a:title type="html">A &amp;lt; &lt;b&gt;B&lt;/b&gt;</a:title>
      <a:author><a:name>Feed</a:name></a:author>
      <a:entry xml:base="c/"><a:id>urn:1</a:id><a:title type="text">1 &lt;b&gt; 2</a:title><a:link rel="self" href="s"/><a:link rel="alternate" href="x"/>
        <a:category term="t" label="T"/><a:content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>a &amp; b</p></div></a:content>
        <a:summary>short</a:summary><a:published>2003-06-03T00:00:00Z</a:published><a:updated>2003-06-04T00:00:00Z</a:updated></a:entry></a:feed>`
    expect(read(text).feed).toEqual({ title: 'A < B', language: 'de', base: 'http://a.example/b/', authors: ['Feed'] })
    expect(only(text)).toEqual({
      guid: 'urn:1',
      title: '1 <b> 2',
      link: 'x',
      base: 'c/',
      summary: 'short',
      content: '<p>a &amp; b</p>',
      authors: [],
      categories: ['T'],
      published: '2003-06-03T00:00:00Z',
      updated: '2003-06-04T00:00:00Z',
    })
  })

  it('may be JSON Feed', () => {
    const text = JSON.stringify({
      version: 'https://jsonfeed.org/version/1',
      title: 'J',
      home_page_url: 'http://a.example/',
      author: { name: 'Feed' },
      items: [
        {
          id: 7,
          url: '/1',
          title: ' a\nb ',
          content_text: 'text',
          summary: 's',
          tags: ['x', 1],
          authors: [{ name: 'N' }],
        },
        {
          id: 'r',
          external_url: 'http://o.example/',
          content_html: '<p>h</p>',
          date_published: 'p',
          date_modified: 'm',
        },
        'nothing',
        {},
      ],
    })
    const { feed, entries } = read(`\uFEFF${text}`)
    expect(feed).toEqual({ title: 'J', base: 'http://a.example/', authors: ['Feed'] })
    expect(entries).toEqual([
      {
        entry: {
          guid: '7',
          link: '/1',
          title: 'a b',
          content: 'text',
          summary: 's',
          categories: ['x', '1'],
          authors: ['N'],
        },
      },
      {
        entry: {
          guid: 'r',
          link: 'http://o.example/',
          content: '<p>h</p>',
          published: 'p',
          updated: 'm',
          categories: [],
          authors: [],
        },
      },
      { damage: 'it has nothing of an entry in it', bytes: Buffer.from('"nothing"') },
      { damage: 'it has nothing of an entry in it', bytes: Buffer.from('{}') },
    ])
  })

  it('takes a permanent guid for a missing link, and no other', () => {
    expect(only(rss('<item><title>t</title><guid>http://a.example/1</guid></item>')).link).toBe('http://a.example/1')
    expect(
      only(rss('<item><title>t</title><guid isPermaLink="false">http://a.example/1</guid></item>')).link,
    ).toBeUndefined()
    expect(only(rss('<item><title>t</title><guid>abc</guid></item>')).link).toBeUndefined()
  })

  it('may be without entries, and without anything', () => {
    expect(read(rss(''))).toMatchObject({ entries: [] })
    expect(read('<rss version="2.0"/>')).toEqual({ feed: { authors: [] }, entries: [] })
    expect(read('<rss version="2.0"><channel></channel></rss>')).toEqual({ feed: { authors: [] }, entries: [] })
  })

  it('leaves ampersands that begin nothing as they are', () => {
    const entry = only(
      rss('<item><link>http://a.example/?a=1&copy=2&amp;b=3</link><title><![CDATA[R&D]]> & Q&A;</title></item>'),
    )
    expect(entry).toMatchObject({ link: 'http://a.example/?a=1&copy=2&b=3', title: 'R&D & Q&A;' })
  })
})

describe('a damaged entry', () => {
  it.each([
    ['an open title', '<item><title>x<link>http://a.example/</link></item>', '<title> is not closed before </item>'],
    ['a crossed tag', '<item><title>x<link>y</title></link></item>', '<link> is not closed before </title>'],
    ['a stray end tag', '<item><title>x</title></link></item>', '</link> closes nothing'],
    ['a tag that runs into the next', '<item><title x="1>x</title></item>', 'the tag <title> is not complete'],
    ['two entries run into one', '<item><title>x</title><title>y</title></item>', 'it has more than one <title>'],
    ['no content', '<item/>', 'it is empty'],
    ['deep nesting', `<item>${'<q>'.repeat(150)}${'</q>'.repeat(150)}</item>`, 'Maximum nested tags exceeded'],
    ['a monstrous tag', `<item><q a="${'x'.repeat(70_000)}"/></item>`, 'the tag <q> is not complete'],
    ['endless nesting', `<item><title>${'<q1>'.repeat(300)}</title></item>`, 'it nests more than 200 deep'],
  ])('with %s is a fault of its own', (_, damaged, why) => {
    expect(shape(rss(item('a') + damaged + item('b')))).toEqual(['a', `! ${why}`, 'b'])
  })

  it('is found among hundreds that are not', () => {
    const names = Array.from({ length: 250 }, (_, index) => `n${index}`)
    const items = names.map((name, index) => (index % 60 === 30 ? '<item/>' : item(name)))
    const expected = names.map((name, index) => (index % 60 === 30 ? '! it is empty' : name))
    expect(shape(rss(items.join('')))).toEqual(expected)
  })

  it('that does not end is told from the one after it', () => {
    expect(shape(rss(`${item('a')}<item><title>x</title>${item('b')}`))).toEqual([
      'a',
      '! <item> begins within another',
      'b',
    ])
    expect(shape(rss(`${item('a')}<item><title>x</title>`))).toEqual(['a', '! <item> is not closed before </channel>'])
  })

  it('has its bytes as they came, also where they are not of the charset', () => {
    const broken = Buffer.from('<item><title>\xe9t\xe9</title></item>', 'latin1')
    const whole = Buffer.from(rss(`${item('ä')}@${item('b')}`))
    const at = whole.indexOf('@')
    const document = Buffer.concat([whole.subarray(0, at), broken, whole.subarray(at + 1)])
    const { entries } = read(document)
    expect(shape(document)).toEqual(['ä', '! it has bytes that are not utf-8', 'b'])
    expect(entries[1]).toMatchObject({ bytes: broken })
  })

  it('is not one whose text is sloppy HTML, or that holds an empty item', () => {
    const html = '<description><p>a<br>b<li>c</b></description>'
    expect(shape(rss(item('a', html) + item('b', '<item />')))).toEqual(['a', 'b'])
  })
})

describe('a document that is damaged outside its entries', () => {
  it.each([
    ['an open element', rss(item('a'), '<title>x<link>y</link>'), '<title> is not closed before <item>'],
    ['a stray end tag', rss(item('a'), '</image>'), '</image> closes nothing'],
    ['an open channel', rss(item('a')).replace('</channel>', ''), '<channel> is not closed before </rss>'],
    ['text before it', `Warning: x ${rss(item('a'))}`, 'there is text outside of the feed'],
    ['text after it', `${rss(item('a'))} x`, 'there is text outside of the feed'],
    ['another document after it', rss(item('a')).repeat(2), '<rss> follows the end of the feed'],
  ])('with %s says so, and gives its entries', (_, text, damage) => {
    expect(read(text).damage).toBe(damage)
    expect(shape(text)).toEqual(['a'])
  })

  it('is not one with comments and spaces around it', () => {
    expect(read(`\n<!-- < -->${rss(item('a'))}\n<!-- > -->\n`).damage).toBeUndefined()
  })
})

describe('a document that is no whole feed', () => {
  const whole = rss(item('a', '<description><![CDATA[x]]></description>') + item('b'))

  it('is refused wherever it is cut', () => {
    for (let length = 1; length < whole.length; length++) {
      expect(() => read(whole.slice(0, length)), whole.slice(0, length)).toThrow(/cut short|no feed/)
    }
  })

  it.each([
    ['nothing', '', 'The document is empty.'],
    ['a page', '<!doctype html><html><body>x</body></html>', 'it begins with <html>, not <rss>'],
    ['text', 'Not found', 'it has no markup'],
    ['half of JSON', '{"items": [', 'no whole JSON'],
    ['other JSON', '{"error": "x"}', 'it has no list of items'],
    ['JSON that is not UTF-8', Buffer.from('{"items":["\xe9"]}', 'latin1'), 'bytes that are not utf-8'],
    ['too many entries', rss('<item/>'.repeat(10_001)), 'more than 10000 entries'],
    ['endless nesting', `<rss><channel>${'<a>'.repeat(100_000)}`, 'nests more than 200 deep'],
  ])('as %s, is refused', (_, text, message) => expect(() => read(text)).toThrow(message))

  it.each([
    ['that multiply', `<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>${rss(item('&b;'))}`],
    ['that read files', `<!DOCTYPE rss [ <!ENTITY x SYSTEM "file:///etc/passwd"> ]>${rss(item('&x;'))}`],
    ['within parameters', `<!DOCTYPE rss [<!ENTITY % p '<!ENTITY x "y">'> %p;]>${rss(item('&x;'))}`],
  ])('with entities %s, is refused', (_, text) => expect(() => read(text)).toThrow('declares entities'))

  it('with a DOCTYPE inside, is refused', () => {
    expect(() => read(rss(`<!DOCTYPE a [<!ENTITY x "y">]>${item('a')}`))).toThrow(/entities|DOCTYPE within/)
    expect(() => read(rss(`<!DOCTYPE a>${item('a')}`))).toThrow('DOCTYPE within')
  })

  it('is never hard work to refuse', () => {
    const hostile = ['<a "', "<a '", '<!--', '<![CDATA[', '<?', '<!doctype a [', '</a', '<rss a="', ']]>', '&'].map(
      (piece) => piece.repeat(200_000),
    )
    for (const text of hostile) {
      expect(() => read(text)).toThrow(/cut short|no feed/)
      expect(() => read(`<rss version="2.0"><channel>${text}`)).toThrow(/cut short/)
    }
    for (const name of ['a@' + '.'.repeat(100_000) + '@', 'x@y.z a' + '-'.repeat(100_000) + 'b']) {
      expect(() => read(rss(item('a', `<author>${name}</author>`)))).toThrow('too long to be names')
      expect(() => read(rss('', `<webMaster>${name}</webMaster>`))).toThrow('too long to be names')
    }
    expect(read(rss(item('a', `<description>${'<p>'.repeat(100_000)}</description>`))).entries).toHaveLength(1)
  })
})
