import { Fault, type Disposition, type FaultClass } from '../record/fault.ts'

/** No answer, or one that broke off: the same request may succeed later. */
export class HttpUnavailableFault extends Fault {
  readonly code = 'http.unavailable'
  readonly disposition = 'retry'
}

/** The answer was not complete in time, redirects included. */
export class HttpTimeoutFault extends Fault {
  readonly code = 'http.timeout'
  readonly disposition = 'retry'
}

/** The URL, or a redirect, leads to an address that is not public, and `allowPrivate` is not set. */
export class HttpPrivateAddressFault extends Fault {
  readonly code = 'http.private_address'
  readonly disposition = 'deadLetter'
}

/** The body is larger than allowed, as sent or once decompressed. */
export class HttpBodyTooLargeFault extends Fault {
  readonly code = 'http.body_too_large'
  readonly disposition = 'deadLetter'
}

/** Not an absolute http or https URL. */
export class HttpBadUrlFault extends Fault {
  readonly code = 'http.bad_url'
  readonly disposition = 'deadLetter'
}

/** The redirects did not end, or one led nowhere. */
export class HttpTooManyRedirectsFault extends Fault {
  readonly code = 'http.too_many_redirects'
  readonly disposition = 'deadLetter'
}

/** The server answered with a status that is not a success: retried where the status says that may help. */
export class HttpStatusFault extends Fault {
  readonly code = 'http.status'
  readonly disposition: Disposition
  readonly status: number

  /** @param url as it may be shown, without secrets */
  constructor(status: number, url: string) {
    super(`${url} answered with status ${status}.`)
    this.status = status
    this.disposition = status >= 500 || [408, 425, 429].includes(status) ? 'retry' : 'deadLetter'
  }
}

/** What a request may end with, whatever it asks for; a status that is no success is judged by who asks. */
export const httpFaults: readonly FaultClass[] = [
  HttpUnavailableFault,
  HttpTimeoutFault,
  HttpPrivateAddressFault,
  HttpBodyTooLargeFault,
  HttpTooManyRedirectsFault,
  HttpBadUrlFault,
]
