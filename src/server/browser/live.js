// Shows records of a topic as they come. Without this script the newest are shown, and stay as they came.
const most = 100

/** Begins where a page has a place for it. */
export function follow() {
  const place = document.querySelector('[data-live]')
  if (!place) return
  const wanted = document.getElementById('follow')
  const told = document.getElementById('followed')
  let source
  place.hidden = false
  const begin = () => {
    source = new EventSource(place.dataset.live)
    source.onmessage = ({ data }) => show(JSON.parse(data))
    source.onerror = () => (told.textContent = 'Not reached: it is tried again.')
    source.onopen = () => (told.textContent = '')
  }
  wanted.addEventListener('change', () => (wanted.checked ? begin() : source.close()))
  begin()
}

/** Everything from outside goes in as text. */
function show({ partition, offset, timestamp, key, headers, value }) {
  const body = document.querySelector('#newest tbody')
  if (!body) return location.reload()
  const row = document.createElement('tr')
  const place = document.createElement('th')
  place.scope = 'row'
  place.textContent = `${partition}/${offset}`
  const more = document.createElement('details')
  const summary = document.createElement('summary')
  summary.textContent = value === null ? 'tombstone' : brief(textOf(value), 80)
  const whole = document.createElement('pre')
  whole.tabIndex = 0
  whole.setAttribute('aria-label', `Record ${partition}/${offset}`)
  whole.textContent = [textOf(value), ...headers.map(([name, bytes]) => `${name}: ${textOf(bytes)}`)].join('\n')
  more.append(summary, whole)
  row.append(place, cell((timestamp ?? '–').slice(0, 19).replace('T', ' ')), cell(brief(textOf(key), 40)), cell(more))
  body.prepend(row)
  while (body.children.length > most) body.lastElementChild.remove()
}

function cell(content) {
  const made = document.createElement('td')
  made.append(content)
  return made
}

const textOf = (bytes) =>
  (bytes === null ? 'none' : (bytes.text ?? `base64 ${bytes.base64}`)).replaceAll(unseen, '\ufffd')
const unseen = /(?![\n\t])\p{Cc}|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Cs}/gu
const brief = (text, length) => (text.length > length ? `${text.slice(0, length)}…` : text)
