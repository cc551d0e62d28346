import type { Answer } from '../answer.ts'
import { html } from '../html.ts'
import { titleOf, type Problem } from '../problem.ts'
import { pageAnswer } from './layout.ts'

/** Why something could not be shown or done, for a browser. */
export function errorPage({ status, message }: Problem): Answer {
  const title = titleOf(status)
  return pageAnswer({
    title: `Oxbow: ${title}`,
    subject: title,
    visitor: undefined,
    status,
    content: html`<h1>${title}</h1>
      <p class="trouble">${message}</p>
      <p><a href="/">To the overview</a></p>`,
  })
}
