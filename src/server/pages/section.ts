import { html, type Html, type HtmlValue } from '../html.ts'

/** A part of a page. @param renewed whether it is fetched again while somebody looks at it */
export const section = (id: string, title: string, content: HtmlValue, renewed = false): Html =>
  html`<section id="${id}" aria-labelledby="${id}-title" ${renewed && html` data-renewed`}>
    <h2 id="${id}-title">${title}</h2>
    ${content}
  </section> `
