/** Text that is HTML already. Only the tag `html` makes it, of what is written in the code and of what it has escaped. */
export class Html {
  readonly text: string

  private constructor(text: string) {
    this.text = text
  }

  /** A template with its values escaped, but for those that are HTML; lists are joined, absent ones left out. */
  static template(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
    return new Html(unindented(parts).reduce((text, part, at) => `${text}${asHtml(values[at - 1])}${part}`))
  }
}

const known = new WeakMap<TemplateStringsArray, readonly string[]>()

/** What the code indents for its readers is not sent. */
function unindented(parts: TemplateStringsArray): readonly string[] {
  const done = known.get(parts) ?? parts.map((part) => part.replaceAll(/\n\s*/g, '\n'))
  known.set(parts, done)
  return done
}

export type HtmlValue = string | number | Html | false | undefined | readonly HtmlValue[]

/** Tag of a template of HTML or SVG: whatever is put into it is text, and stays text. */
export const html: (parts: TemplateStringsArray, ...values: readonly HtmlValue[]) => Html = Html.template

function asHtml(value: HtmlValue): string {
  if (value === undefined || value === false) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(asHtml).join('')
  return escaped(String(value))
}

const entities: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Characters that would be seen by nobody, or turn others around, are shown as one that says so. */
const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => entities[character]!).replaceAll(unseen, '\ufffd')

const unseen = /(?![\n\t])\p{Cc}|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Cs}/gu

/** Text cut to a length, with a sign that it was. */
export const clipped = (text: string, length = 120): string => {
  const characters = [...text.slice(0, length * 2)]
  return characters.length > length || text.length > length * 2 ? `${characters.slice(0, length).join('')}…` : text
}
