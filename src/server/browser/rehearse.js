// Shows what a rehearsal told below what asked for it. Without this script it is a page of its own.
export function rehearseHere() {
  const told = document.getElementById('rehearsing')
  const place = document.getElementById('rehearsed')
  for (const button of document.querySelectorAll('button[formaction="/rehearsals"]'))
    button.addEventListener('click', async (event) => {
      event.preventDefault()
      told.textContent = 'It is being rehearsed…'
      place.replaceChildren()
      try {
        const { ok, parts } = await rehearse(button)
        place.replaceChildren(...parts)
        told.textContent = ok ? 'It was rehearsed:' : 'It was not rehearsed:'
      } catch (error) {
        console.warn('Oxbow was not reached.', error)
        told.textContent = 'Not reached: nothing was rehearsed.'
      }
    })
}

/** What was told, or why nothing was. */
async function rehearse({ form, formAction }) {
  const body = new URLSearchParams(new FormData(form))
  const response = await fetch(formAction, { method: 'POST', body, headers: { accept: 'text/html' } })
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  return { ok: response.ok, parts: page.querySelectorAll(response.ok ? '#rehearsal' : 'main .trouble') }
}
