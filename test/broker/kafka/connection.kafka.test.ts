import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openKafka } from '../../../src/broker/kafka/kafka.ts'
import { kafkaSettings, type KafkaConfig } from '../../../src/topology/kafkaConfig.ts'
import { output, texts, unique, unit } from '../../contract/broker/setting.ts'
import { clients, describeKafka } from '../../support/kafka/open.ts'
import { startSecureNode, unsecuredToken, type SecureNode } from '../../support/kafka/secure.ts'
import { makeDirectory, runOxbow } from '../../cli/oxbow.ts'

describeKafka.each(clients)('the connection to Kafka by %s', (client) => {
  let node: SecureNode
  let passwordFile: string
  let tokenFile: string
  const token = unsecuredToken('alice')
  beforeAll(async () => {
    node = await startSecureNode()
    const directory = mkdtempSync(join(tmpdir(), 'oxbow-secrets-'))
    passwordFile = join(directory, 'password')
    tokenFile = join(directory, 'token')
    writeFileSync(passwordFile, `${node.password}\n`)
    writeFileSync(tokenFile, token)
  }, 120_000)
  afterAll(() => node.cluster.kill())

  type Sasl = NonNullable<KafkaConfig['sasl']>
  const sasl = (settings: Sasl) => (): KafkaConfig => ({ brokers: [node.sasl], sasl: settings })
  const user = (mechanism: Sasl['mechanism']) => (): KafkaConfig => ({
    brokers: [node.sasl],
    sasl: { mechanism, username: node.username, password: node.password },
  })
  const ca = () => ({ ca: node.certificates.ca })
  const certified = () => ({ ...ca(), cert: node.certificates.clientCert, key: node.certificates.clientKey })
  const locked = (passphrase: string) => ({ ...certified(), key: node.certificates.lockedKey, passphrase })

  it.each<[string, () => KafkaConfig]>([
    ['PLAIN', user('plain')],
    ['SCRAM-SHA-256', user('scram-sha-256')],
    ['SCRAM-SHA-512', user('scram-sha-512')],
    ['a password from a file', () => ({ brokers: [node.sasl], sasl: { mechanism: 'plain', username: node.username, passwordFile } })], // prettier-ignore
    ['OAUTHBEARER', sasl({ mechanism: 'oauthbearer', token })],
    ['a token from a file', () => sasl({ mechanism: 'oauthbearer', tokenFile })()],
    ['TLS', () => ({ brokers: [node.tls], tls: ca() })],
    ['TLS and a name', () => ({ brokers: [node.tls], tls: { ...ca(), serverName: 'localhost' } })],
    ['a client certificate', () => ({ brokers: [node.mutualTls], tls: certified() })],
    ['a client certificate whose key is locked', () => ({ brokers: [node.mutualTls], tls: locked(node.certificates.passphrase) })], // prettier-ignore
    ['SASL over TLS', () => ({ ...user('scram-sha-512')(), brokers: [node.saslTls], tls: ca() })],
  ])('is made with %s, and what is written can be read', async (_, config) => {
    for (const guarantee of ['exactlyOnce', 'atLeastOnce'] as const) {
      const broker = await openKafka({ settings: kafkaSettings({ ...config(), client }, '.'), guarantee })
      const topic = unique('secure')
      await broker.ensureTopics([{ name: topic, partitions: 1 }])
      await broker.commit(unit(unique('group'), { outputs: [output(topic)] }))
      const subscription = await broker.subscribe(unique('group'), [topic])
      const [batch] = await subscription.poll({ maxRecords: 10, signal: AbortSignal.timeout(20_000) })
      expect(texts(batch!.records)).toEqual(['value'])
      await subscription.close()
      await broker.close()
    }
  })

  const wrong = 'tr0ub4dor-wrong'
  it.each<[string, () => KafkaConfig, string]>([
    ['a wrong password', () => ({ ...user('plain')(), sasl: { mechanism: 'plain', username: node.username, password: wrong } }), 'the user or the password is refused. Check `sasl.username`, and `sasl.password` or `sasl.passwordFile`.'], // prettier-ignore
    ['a wrong SCRAM password', sasl({ mechanism: 'scram-sha-512', username: 'bob', password: wrong }), 'the user or the password is refused. Check `sasl.username`'], // prettier-ignore
    ['an old token', sasl({ mechanism: 'oauthbearer', token: unsecuredToken('alice', -3_600) }), 'the token is refused. Check `sasl.token` or `sasl.tokenFile`'], // prettier-ignore
    ['no authority', () => ({ brokers: [node.tls], tls: true }), 'Give that one’s certificate as `tls.ca`.'],
    ['another authority', () => ({ brokers: [node.tls], tls: { ca: node.certificates.otherCa } }), 'Give that one’s certificate as `tls.ca`.'], // prettier-ignore
    ['another name', () => ({ brokers: [node.tls], tls: { ...ca(), serverName: 'kafka.example.org' } }), 'It has IP Address:127.0.0.1, DNS:localhost. Connect by that, or say it in `tls.serverName`.'], // prettier-ignore
    ['a wrong passphrase', () => ({ brokers: [node.mutualTls], tls: locked(wrong) }), 'Check `tls.passphrase`.'],
    ['no client certificate', () => ({ brokers: [node.mutualTls], tls: ca() }), 'It may ask for `sasl`, or a client certificate, `tls.cert` and `tls.key`.'], // prettier-ignore
    ['no TLS where it is spoken', () => ({ brokers: [node.tls] }), 'Add `tls`'],
    ['TLS where it is not', () => ({ brokers: node.cluster.bootstrap, tls: ca() }), 'Leave `tls` out'],
    ['no user where one is asked for', () => ({ brokers: [node.sasl] }), 'It may ask for `sasl`'],
    ['a user where none is asked for', () => ({ ...user('plain')(), brokers: node.cluster.bootstrap }), 'Leave `sasl` out'], // prettier-ignore
    ['a port where nobody listens', () => ({ brokers: ['127.0.0.1:1'] }), 'nobody listens there. Check `brokers`'],
    ['a host that there is not', () => ({ brokers: ['kafka.invalid:9092'] }), 'there is no such host. Check `brokers`.'], // prettier-ignore
  ])('is refused with %s, and the message says what to mend', async (_, config, message) => {
    const settings = kafkaSettings({ ...config(), client, timeouts: { connect: 3_000 } }, '.')
    const thrown = await openKafka({ settings, guarantee: 'exactlyOnce' }).then(
      () => expect.unreachable(),
      (error: Error) => error,
    )
    expect(thrown.name).toBe('BrokerError')
    expect(thrown.message).toContain(message)
    expect(thrown.message).not.toContain(wrong)
  })

  it('never shows a secret: not in what commands print, not in logs, not in what fails', async () => {
    const name = unique('secret')
    const directory = makeDirectory({
      'a.yaml': `name: ${name}
broker:
  kafka:
    brokers: ["${node.saslTls}"]
    client: ${client}
    tls: { ca: ${node.certificates.ca}, cert: ${node.certificates.clientCert}, key: ${node.certificates.lockedKey}, passphrase: "\${KEY_LOCK}" }
    sasl: { mechanism: plain, username: ${node.username}, password: "\${KAFKA_WORD}" }
sources: { ${name}.in: { generate: { count: 20, poison: 0.5, seed: 1 } } }
streams:
  good:
    from: ${name}.in
    steps: [{ validate: { schema: { type: object, required: [price] } } }]
    to: { topic: ${name}.out }
`,
    })
    const { password, certificates } = node
    const secrets = [password, certificates.passphrase, wrong]
    const commands = [
      ['describe', 'a.yaml'],
      ['describe', 'a.yaml', '--format', 'json'],
      ['topics', 'a.yaml', '--json'],
      ['topics', 'a.yaml', '--apply'],
      ['check', 'a.yaml', '--broker', '--json'],
      ['run', 'a.yaml', '--until-idle', '--no-http', '--json'],
      ['read', `${name}.in`, '--config', 'a.yaml'],
      ['produce', `${name}.in`, '--config', 'a.yaml'],
      ['dlq', 'show', `dlq.${name}.in`, '--config', 'a.yaml'],
    ]
    const run = async (words: readonly string[], environment: { readonly [name: string]: string }) => {
      Object.assign(process.env, environment)
      const ended = await runOxbow(directory, words)
      for (const secret of secrets) expect(ended.stdout + ended.stderr).not.toContain(secret)
      return ended
    }
    for (const words of commands) {
      const right = await run(words, { KAFKA_WORD: password, KEY_LOCK: certificates.passphrase })
      expect([words, right.code, right.stderr]).toEqual([
        words,
        0,
        ['run', 'produce'].includes(words[0]!) ? right.stderr : '',
      ])
    }
    for (const words of commands.slice(4)) {
      const refused = await run(words, { KAFKA_WORD: wrong, KEY_LOCK: certificates.passphrase })
      expect([words, refused.code]).toEqual([words, 1])
      expect(refused.stderr).toContain('Check `sasl.username`')
    }
  }, 120_000)
})
