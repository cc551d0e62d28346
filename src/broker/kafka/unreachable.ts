import { BrokerError } from '../broker.ts'
import { codesOf } from './failure.ts'
import type { KafkaSettings } from './settings.ts'

/** As an error that says why a cluster cannot be talked to, and which of its settings would mend it. No secret is in it. */
export function unreachable(thrown: unknown, settings: KafkaSettings): BrokerError {
  const why = saslProblem(thrown, settings) ?? tlsProblem(thrown, settings) ?? networkProblem(thrown, settings)
  return new BrokerError(`${settings.brokers.join(', ')} cannot be talked to: ${why}`, { cause: thrown })
}

function saslProblem(thrown: unknown, { sasl }: KafkaSettings): string | undefined {
  const codes = codesOf(thrown)
  const handshake = chainOf(thrown).some(({ message }) => message.includes('SASL mechanism'))
  if (sasl && codes.includes('UNSUPPORTED_SASL_MECHANISM'))
    return `${sasl.mechanism} is not taken there. Name another \`sasl.mechanism\`.`
  if (sasl && codes.includes('ILLEGAL_SASL_STATE') && handshake)
    return 'nobody is asked there who connects. Leave `sasl` out, or name the port of a listener with SASL.'
  if (!codes.some((code) => code === 'SASL_AUTHENTICATION_FAILED' || code === 'ILLEGAL_SASL_STATE')) return undefined
  return sasl?.mechanism === 'oauthbearer'
    ? 'the token is refused. Check `sasl.token` or `sasl.tokenFile`: it may have expired.'
    : 'the user or the password is refused. Check `sasl.username`, and `sasl.password` or `sasl.passwordFile`.'
}

function tlsProblem(thrown: unknown, { tls }: KafkaSettings): string | undefined {
  const chain = chainOf(thrown)
  const code = String((chain.at(-1) as { code?: unknown } | undefined)?.code)
  const says = (text: string) => chain.some(({ message }) => message.includes(text))
  if (says('requires TLS')) return 'TLS is spoken there. Add `tls`, with the certificate of its authority as `tls.ca`.'
  if (!tls || /ALERT.*CERTIFICATE/.test(code)) return undefined
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `the certificate is for another name. ${altnames(chain.at(-1)!.message)}Connect by that, or say it in \`tls.serverName\`.`
  if (code === 'CERT_HAS_EXPIRED') return 'the certificate of the broker has expired. Give the broker another one.'
  if (/UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO/.test(code))
    return 'the certificate is from an authority that is not trusted here. Give that one’s certificate as `tls.ca`.'
  // With a wrong passphrase, bytes come out now and then that look right until they are read.
  const unlocked = ['bad decrypt', 'interrupted or cancelled', 'DECODER routines::unsupported']
  if (code === 'ERR_OSSL_BAD_DECRYPT' || unlocked.some(says))
    return 'the private key cannot be unlocked. Check `tls.passphrase`.'
  if (code.startsWith('ERR_OSSL'))
    return 'the certificates or the key cannot be used. Check `tls`: it takes files in PEM.'
  if (says('TLS handshake failed') || says('before secure TLS') || code.startsWith('ERR_SSL') || code === 'EPROTO')
    return 'TLS is not spoken there. Leave `tls` out, or name the port of a listener with TLS.'
  return undefined
}

function networkProblem(thrown: unknown, { sasl, tls }: KafkaSettings): string {
  const last = chainOf(thrown).at(-1)
  const code = String((last as { code?: unknown } | undefined)?.code)
  if (code === 'ECONNREFUSED') return 'nobody listens there. Check `brokers`, and that Kafka runs.'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'there is no such host. Check `brokers`.'
  if (last && /closed|alert.*certificate/i.test(last.message)) {
    const missing = [
      ...(sasl ? [] : ['`sasl`']),
      ...(tls?.cert ? [] : ['a client certificate, `tls.cert` and `tls.key`']),
    ]
    return `the connection is closed at once. ${missing.length > 0 ? `It may ask for ${missing.join(', or ')}.` : 'Its log says why.'}`
  }
  return `${last?.message ?? String(thrown)} Check \`brokers\`, and that Kafka runs.`
}

/** The names that a certificate is for, from Node's message. */
function altnames(message: string): string {
  const names = /.*altnames: (.*)$/.exec(message)?.[1]
  return names ? `It has ${names}. ` : ''
}

/** An error and those behind it, the first cause last. */
function chainOf(thrown: unknown): Error[] {
  if (!(thrown instanceof Error)) return []
  const behind: unknown = thrown.cause ?? (thrown instanceof AggregateError ? thrown.errors.at(-1) : undefined)
  return [thrown, ...chainOf(behind)]
}
