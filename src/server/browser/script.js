import { follow } from './live.js'
import { rehearseHere } from './rehearse.js'

// Renews the parts of the page while somebody looks at it. Without this script the page is whole, and stays as it came.
const every = 10_000
const wanted = document.getElementById('renew')
const told = document.getElementById('renewed')
/** What each part was when it came: it is replaced only by something else. */
const known = new Map(renewable(document).map((part) => [part.id, part.innerHTML]))

follow()
rehearseHere()
if (wanted) {
  document.getElementById('renewal').hidden = false
  setInterval(() => {
    if (wanted.checked && !document.hidden) void renew()
  }, every)
  document.addEventListener('visibilitychange', () => {
    if (wanted.checked && !document.hidden) void renew()
  })
}

async function renew() {
  try {
    const response = await fetch(location.href, {
      headers: { accept: 'text/html' },
      signal: AbortSignal.timeout(every),
    })
    if (!response.ok) throw new Error(`the answer was ${response.status}`)
    const page = new DOMParser().parseFromString(await response.text(), 'text/html')
    for (const next of renewable(page)) replace(next)
    say('')
  } catch (error) {
    console.warn('Oxbow was not reached.', error)
    say(`Not reached at ${new Date().toLocaleTimeString()}: this is older.`)
  }
}

function renewable(page) {
  return [...page.querySelectorAll('[data-renewed]')]
}

/** Puts a part in its place; what is open stays open, and the focus and the scrolling stay where they are. */
function replace(next) {
  const part = document.getElementById(next.id)
  const content = next.innerHTML
  if (!part || known.get(next.id) === content || isSelected(part)) return
  known.set(next.id, content)
  const open = [...part.querySelectorAll('details[open]')].map(({ id }) => id)
  const scrolled = [...part.querySelectorAll('.scroll[id]')].map(({ id, scrollLeft, scrollTop }) => [
    id,
    { left: scrollLeft, top: scrollTop },
  ])
  const focused = part.contains(document.activeElement) ? pathTo(document.activeElement, part) : undefined
  part.replaceChildren(...next.childNodes)
  for (const id of open) document.getElementById(id)?.setAttribute('open', '')
  for (const [id, place] of scrolled) document.getElementById(id)?.scrollTo(place)
  if (focused) part.querySelector(focused)?.focus({ preventScroll: true })
}

function isSelected(part) {
  const selection = document.getSelection()
  return selection !== null && !selection.isCollapsed && selection.containsNode(part, true)
}

/** A selector of an element by its place below another. */
function pathTo(element, above) {
  const steps = []
  for (let at = element; at !== above; at = at.parentElement)
    steps.unshift(`${at.localName}:nth-child(${[...at.parentElement.children].indexOf(at) + 1})`)
  return `:scope > ${steps.join(' > ')}`
}

/** Says it once, not every time: it is read aloud. */
function say(text) {
  if (told.textContent !== text && (text === '' || told.textContent === '')) told.textContent = text
}
