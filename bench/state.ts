// What a task's state costs, without a pipeline around it: reading keys that are hot and keys that are new, setting, and
// committing, on the embedded broker and on Kafka's local copy; a counted window, and the pattern of dedupe.
//
//   node bench/state.ts 1000000 100000
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StateChange, StateReader } from '../src/broker/broker.ts'
import { openEmbedded } from '../src/broker/embedded/embedded.ts'
import { openStateCopy } from '../src/broker/embedded/stateCopy.ts'
import { openKafka } from '../src/broker/kafka/kafka.ts'
import type { StateStore } from '../src/component/state.ts'
import { kafkaSettings } from '../src/topology/kafkaConfig.ts'
import { StagedState } from '../src/topology/staged.ts'

const events = Number(process.argv[2] ?? 1_000_000)
const keys = Number(process.argv[3] ?? 100_000)
const unit = Number(process.argv[4] ?? 2_000)
const only = process.argv[5]

/** Where the state of the one task is kept. */
interface Place {
  readonly name: string
  reader(task: string): Promise<StateReader>
  commit(task: string, changes: readonly StateChange[]): Promise<void>
  close(): Promise<void>
}

const group = 'bench'
const nothing = { outputs: [], offsets: [], counts: [] }

async function embedded(): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-state-'))
  const broker = await openEmbedded({ directory, owner: true })
  return {
    name: 'embedded',
    reader: (task) => broker.state(group, task),
    commit: (task, state) => broker.commit({ group, task, ...nothing, state }),
    close: async () => {
      await broker.close()
      rmSync(directory, { recursive: true })
    },
  }
}

/** @param isFile whether it outlives the process */
async function localCopy(isFile: boolean): Promise<Place> {
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-state-'))
  const copy = openStateCopy({ now: Date.now, ...(isFile && { file: join(directory, '0.db') }) })
  return {
    name: isFile ? 'copy in a file' : 'copy in memory',
    reader: async (task) => copy.reader(task),
    commit: async (task, changes) => copy.change(new Map([[task, changes]])),
    close: async () => {
      copy.close()
      rmSync(directory, { recursive: true })
    },
  }
}

/** Runs a step for every event, its state committed unit by unit. */
async function run(place: Place, task: string, what: string, step: (store: StateStore, event: number) => void) {
  if (only !== undefined && !what.includes(only)) return
  const state = new StagedState(await place.reader(task))
  const store = state.store(what)
  const [started, usage] = [performance.now(), process.cpuUsage()]
  for (let event = 0; event < events;) {
    for (const end = Math.min(events, event + unit); event < end; event++) {
      state.attempt(
        (given: number) => step(store, given),
        event,
        () => true,
      )
    }
    const changes = state.take()
    if (changes.length > 0) await place.commit(task, changes)
  }
  const seconds = (performance.now() - started) / 1_000
  const { user, system } = process.cpuUsage(usage)
  const rate = Math.round(events / seconds).toLocaleString('en')
  const cpu = ((user + system) / events).toFixed(2)
  console.log(
    `${place.name.padEnd(14)} ${what.padEnd(22)} ${rate.padStart(10)} events/s, ${cpu.padStart(6)} µs of CPU an event`,
  )
}

/** Keys in no order, the same in every run. */
const keyOf = (event: number): string => `key-${Math.imul(event, 2_654_435_761) >>> 0}`
const hot = (event: number): string => keyOf(event % 1_000)

const window = 60_000

for (const open of [embedded, () => localCopy(false), () => localCopy(true)]) {
  const place = await open()
  await run(place, '0', 'set hot keys', (store, event) => store.set(hot(event), [event, 1]))
  await run(place, '0', 'set hot keys', (store, event) => void store.get(hot(event)))
  await run(place, '1', 'get new keys', (store, event) => void store.get(keyOf(event)))
  await run(place, '2', 'set new keys', (store, event) => store.set(keyOf(event), [event, 1]))
  await run(place, '2', 'set new keys', (store, event) => void store.get(keyOf(event)))
  await run(place, '3', 'windowed count by key', (store, event) => {
    const key = `${keyOf((Math.imul(event, 40_503) >>> 4) % keys)}/${Math.floor(event / window)}`
    const { count } = (store.get(key) ?? { count: 0 }) as { readonly count: number }
    store.set(key, { count: count + 1 })
  })
  await run(place, '4', 'dedupe, all new', (store, event) => {
    const key = keyOf(event)
    if (store.get(`seen:${key}`) !== undefined) return
    store.set(`seen:${key}`, [1_700_000_000_000 + event, `topic/0/${event}`])
    store.set(`at:${String(1_700_000_000_000 + event).padStart(15, '0')}:${key}`, true)
  })
  await place.close()
}

const kafka = process.env['KAFKA_BOOTSTRAP_SERVERS']
if (kafka !== undefined && (only === undefined || only === 'restore')) await restore(kafka.split(','))

/** Fills a changelog with one value for each event, and has processes without and with a file of it restore it. */
async function restore(brokers: string[]): Promise<void> {
  const settings = kafkaSettings({ brokers }, '.')
  const own = `bench-state-${Date.now()}`
  const directory = mkdtempSync(join(tmpdir(), 'oxbow-state-'))
  const open = () => openKafka({ settings, guarantee: 'exactlyOnce', directory, notes: { info: say, warn: say } })
  const writer = await openKafka({ settings, guarantee: 'exactlyOnce' })
  for (let at = 0; at < events; at += 10_000) {
    const state = Array.from({ length: 10_000 }, (_, n) => ({
      store: 'counts',
      key: keyOf(at + n),
      value: Buffer.from(`{"count":${n}}`),
    }))
    await writer.commit({ group: own, task: '0', ...nothing, state })
  }
  await writer.close()
  for (const what of ['nothing', 'the file of the first']) {
    const broker = await open()
    const [started, usage] = [performance.now(), process.cpuUsage()]
    const state = await broker.state(own, '0')
    const { user, system } = process.cpuUsage(usage)
    const seconds = (performance.now() - started) / 1_000
    if (!state.get('counts', keyOf(events - 1))) throw new Error('not all of it was restored')
    console.log(
      `restored ${events.toLocaleString('en')} keys from ${what} in ${seconds.toFixed(2)} s, ${((user + system) / 1e6).toFixed(2)} s of CPU, ${Math.round(process.memoryUsage.rss() / 1_048_576)} MiB resident`,
    )
    await broker.close()
  }
  rmSync(directory, { recursive: true })
}

function say(_: object, message: string): void {
  console.log(message)
}
