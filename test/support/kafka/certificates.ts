import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Certificates of a test, as files in PEM; each authority signed its own only. */
export interface Certificates {
  /** The authority that brokers and clients trust. */
  readonly ca: string
  /** Another one, that nobody trusts. */
  readonly otherCa: string
  /** A broker's private key and certificate, for 127.0.0.1 and localhost, in one file. */
  readonly broker: string
  readonly clientCert: string
  readonly clientKey: string
  /** The same key, locked with the passphrase. */
  readonly lockedKey: string
  readonly passphrase: string
}

/** Has openssl make them in a directory. */
export function makeCertificates(directory: string): Certificates {
  const at = (name: string) => join(directory, name)
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: directory, stdio: 'pipe' })
  const authority = (name: string): void => {
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`) // prettier-ignore
  }
  const signed = (name: string, extension: string): void => {
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`) // prettier-ignore
    writeFileSync(at(`${name}.ext`), extension)
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.pem`) // prettier-ignore
  }
  const passphrase = 'open-sesame-7391'
  authority('ca')
  authority('other')
  signed('broker', 'subjectAltName=IP:127.0.0.1,DNS:localhost')
  signed('client', 'extendedKeyUsage=clientAuth')
  openssl('pkcs8', '-topk8', '-in', 'client.key', '-passout', `pass:${passphrase}`, '-out', 'locked.key')
  writeFileSync(at('broker.both'), readFileSync(at('broker.key'), 'utf8') + readFileSync(at('broker.pem'), 'utf8'))
  return {
    ca: at('ca.pem'),
    otherCa: at('other.pem'),
    broker: at('broker.both'),
    clientCert: at('client.pem'),
    clientKey: at('client.key'),
    lockedKey: at('locked.key'),
    passphrase,
  }
}
