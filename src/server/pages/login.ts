import { seeOther, type Answer } from '../answer.ts'
import { html } from '../html.ts'
import { pairsIn, type Endpoint } from '../router.ts'
import { cookieWith, sessionFor } from '../security/session.ts'
import type { Door } from '../security/door.ts'
import type { Users } from '../security/users.ts'
import type { Log } from '../../component/context.ts'
import { pageAnswer } from './layout.ts'

/** Logging in with a token, and out. */
export const loginEndpoints = (users: Users, door: Door, log: Log): readonly Endpoint[] => [
  { method: 'GET', path: '/login', answer: ({ query }) => loginPage(pathWithin(query['to'])) },
  {
    method: 'POST',
    path: '/login',
    brings: 'form',
    answer({ request, body }) {
      const { token = '', to } = pairsIn(body.toString())
      const user = door.enter(token, request)
      if (!user) {
        log.warn({}, 'Somebody tried to log in with a token that is nobody’s.')
        return loginPage(pathWithin(to), 'This is nobody’s token.')
      }
      log.info({ user: user.name }, `${user.name} logged in.`)
      const isSecure = request.headers['x-forwarded-proto'] === 'https'
      return seeOther(pathWithin(to), { 'set-cookie': cookieWith(sessionFor(users, user, Date.now()), isSecure) })
    },
  },
  {
    method: 'POST',
    path: '/logout',
    role: 'view',
    brings: 'form',
    answer: () => seeOther('/login', { 'set-cookie': cookieWith('', false) }),
  },
]

/** Only to this server: whatever else is named is the overview. */
const pathWithin = (to: string | undefined): string =>
  to !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(to) ? to : '/'

const loginPage = (to: string, problem?: string): Answer =>
  pageAnswer({
    title: 'Oxbow: log in',
    subject: 'Log in',
    visitor: undefined,
    status: problem === undefined ? 200 : 401,
    content: html`<h1>Log in</h1>
      ${problem !== undefined && html`<p class="trouble" role="alert">${problem}</p>`}
      <form class="act" method="post" action="/login">
        <input type="hidden" name="to" value="${to}" />
        <label
          >Token <input type="password" name="token" autocomplete="current-password" required maxlength="512" autofocus
        /></label>
        <button>Log in</button>
      </form>`,
  })
