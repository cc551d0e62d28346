import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificates, type Certificates } from './certificates.ts'
import { Cluster, type Listener } from './cluster.ts'

/** A node that asks who connects: by SASL, TLS, and both. */
export interface SecureNode {
  readonly cluster: Cluster
  readonly certificates: Certificates
  readonly username: string
  readonly password: string
  /** host:port */
  readonly sasl: string
  readonly tls: string
  readonly mutualTls: string
  readonly saslTls: string
}

const username = 'alice'
const password = 'correct-horse-8812'

/** Starts it. Who connects in plain text may do everything; the others, what no ACL is against. */
export async function startSecureNode(): Promise<SecureNode> {
  const certificates = makeCertificates(mkdtempSync(join(tmpdir(), 'oxbow-certificates-')))
  const ssl = {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': certificates.broker,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificates.ca,
  }
  const listeners: Listener[] = [
    { name: 'SASL', protocol: 'SASL_PLAINTEXT', settings: sasl },
    { name: 'TLS', protocol: 'SSL', settings: ssl },
    { name: 'MUTUAL', protocol: 'SSL', settings: { ...ssl, 'ssl.client.auth': 'required' } },
    { name: 'BOTH', protocol: 'SASL_SSL', settings: { ...sasl, ...ssl } },
  ]
  const cluster = await Cluster.start({
    nodes: 1,
    listeners,
    scram: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((name) => `${name}=[name=${username},password=${password}]`),
    settings: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'allow.everyone.if.no.acl.found': 'true',
    },
  })
  const [node] = cluster.nodes
  return {
    cluster,
    certificates,
    username,
    password,
    sasl: node!.address('SASL'),
    tls: node!.address('TLS'),
    mutualTls: node!.address('MUTUAL'),
    saslTls: node!.address('BOTH'),
  }
}

const security = 'org.apache.kafka.common.security'
const sasl = {
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
  'plain.sasl.jaas.config': `${security}.plain.PlainLoginModule required user_${username}="${password}";`,
  'scram-sha-256.sasl.jaas.config': `${security}.scram.ScramLoginModule required;`,
  'scram-sha-512.sasl.jaas.config': `${security}.scram.ScramLoginModule required;`,
  'oauthbearer.sasl.jaas.config': `${security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
  'oauthbearer.sasl.server.callback.handler.class': `${security}.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler`,
}

/** A token as Kafka's unsecured validator takes it: not signed, good for so many seconds from now. */
export function unsecuredToken(subject: string, seconds = 3_600): string {
  const now = Math.floor(Date.now() / 1_000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now - 7_200, exp: now + seconds })}.`
}
