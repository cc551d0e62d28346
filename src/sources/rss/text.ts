import { decodeHTMLStrict } from 'entities'

const inlineTag =
  /<\/?(?:a|abbr|b|big|br|center|cite|code|del|div|em|font|h[1-6]|hr|i|img|ins|kbd|mark|nobr|p|q|s|small|span|strike|strong|sub|sup|tt|u|wbr)(?:\s[^<>]*)?\/?>/gi

/** Text that may be HTML, as a reader sees it: tags gone, character references resolved, white space as one space. */
export const plainText = (html: string): string | undefined =>
  oneLine(decodeHTMLStrict(html.replace(inlineTag, stripped)))

/** Text with white space as one space; undefined for none. */
export const oneLine = (text: string): string | undefined => text.replace(/\s+/g, ' ').trim() || undefined

const stripped = (tag: string): string => (/^<\/?(?:br|div|h\d|hr|p)\b/i.test(tag) ? ' ' : '')
