import { Command, InvalidArgumentError } from 'commander'
import type { Broker } from '../broker/broker.ts'
import { entriesOf, storesOf, type StoreEntry, type StorePart } from '../topology/stores.ts'
import { hasData, openPlace, placeOf, withBroker, type BrokerOptions } from './brokerOptions.ts'
import { CommandFailure, UsageError } from './failure.ts'
import { print, printable, printJson, table } from './output.ts'

interface TableOptions extends BrokerOptions {
  readonly partition?: number
  readonly limit?: number
  readonly internal?: true
  readonly json?: true
}

export const tableCommand = (): Command =>
  withBroker(
    new Command('table')
      .description('Shows the state of a pipeline: its stores, the entries of one, or one entry.')
      .argument('<file>', 'the config')
      .argument('[store]', 'the operator whose state it is, such as averages.aggregate, or the table')
      .argument('[key]', 'the key of one entry')
      .option('--partition <number>', 'only this partition', wholeNumber)
      .option('--limit <count>', 'end after so many entries', wholeNumber)
      .option('--internal', 'stores of Oxbow’s own too: records under way, where sources and sinks are')
      .option(
        '--json',
        'one JSON object a line: store, partition, entries, bytes; of entries: store, partition, key, value',
      ),
  )
    .addHelpText(
      'after',
      `
It reads what is committed, also while the pipeline runs. On Kafka it reads the whole changelog for it; a running
pipeline answers faster over HTTP, at /tables. With a key, exit code 1 when there is no such entry.

Examples:
  oxbow table orders.yaml
  oxbow table orders.yaml averages.aggregate --limit 10
  oxbow table orders.yaml customers c-17 --json`,
    )
    .action(showTable)

async function showTable(
  path: string,
  store: string | undefined,
  key: string | undefined,
  options: TableOptions,
): Promise<void> {
  if (store === undefined && (options.limit !== undefined || options.partition !== undefined))
    throw new UsageError('--limit and --partition are for the entries of a store: name one')
  const planned = (await import('./plans.ts')).readPlan(path)
  const place = placeOf(options, planned.file)
  if (!hasData(place)) throw new CommandFailure(`${planned.plan.name} has not run there yet: it has no state`)
  const broker = await openPlace(place, 'read')
  try {
    if (store === undefined) await listStores(broker, planned.plan.name, options)
    else await listEntries(broker, planned.plan.name, store, key, options)
  } finally {
    await broker.close()
  }
}

async function listStores(broker: Broker, group: string, { internal, json }: TableOptions): Promise<void> {
  const parts = await storesOf(broker, group, { internal: internal ?? false })
  if (json) for (const part of parts) await printJson(part)
  else if (parts.length === 0) console.error(`oxbow: ${group} has no state yet`)
  else await print(table(['store', 'partition', 'entries', 'bytes'], parts.map(rowOf)))
}

const rowOf = ({ store, partition, entries, bytes, global }: StorePart) => [
  store,
  global ? 'global' : String(partition),
  entries,
  bytes,
]

async function listEntries(
  broker: Broker,
  group: string,
  store: string,
  key: string | undefined,
  { partition, limit = Infinity, json }: TableOptions,
): Promise<void> {
  const stores = await storesOf(broker, group, { internal: true })
  if (!stores.some((part) => part.store === store)) throw new CommandFailure(noStore(group, store, stores))
  const tasks = await tasksOf(broker, group)
  const query = { store, ...(key !== undefined && { key }), ...(partition !== undefined && { partition }) }
  let left = limit
  let after: { readonly partition: number; readonly key: string } | undefined
  while (left > 0) {
    const size = Math.min(left, pageSize)
    const page = await entriesOf(broker, group, tasks, { ...query, ...(after && { after }), limit: size })
    for (const entry of page) await (json ? printJson(entry) : print(lineOf(entry)))
    if (key !== undefined && page.length === 0) throw new CommandFailure(`${store} has no entry ${printable(key)}`)
    if (key !== undefined || page.length < size) return
    left -= size
    after = page.at(-1)!
  }
}

/** Entries are read in so many at once. */
const pageSize = 1_000

async function tasksOf(broker: Broker, group: string): Promise<readonly string[]> {
  return [...new Set((await broker.stores(group)).map(({ task }) => task))]
}

const lineOf = ({ partition, key, value }: StoreEntry): string =>
  `${partition}  ${printable(key)}  ${printable(JSON.stringify(value))}\n`

function noStore(group: string, store: string, stores: readonly StorePart[]): string {
  const names = [...new Set(stores.map((part) => part.store))].filter((name) => !name.startsWith('$'))
  const known = names.length > 0 ? `there are: ${names.join(', ')}` : 'nothing has state yet'
  return `${group} has no entries in a store ${store}; ${known}`
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number from 0 on.')
  return Number(text)
}
