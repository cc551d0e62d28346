import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The first chromium of PATH; undefined where there is none. */
function findBrowser(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const places = folders.flatMap((folder) =>
    ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)),
  )
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** The chromium that pages are tried in. */
export const executablePath = findBrowser()
if (executablePath === undefined) console.warn('There is no chromium in PATH: the page is not tried in a browser.')

export const browserOptions = {
  executablePath: executablePath!,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
}
