import { Command, Option } from 'commander'
import type { GroupState, LetterGroup } from '../../deadletter/ledger/groups.ts'
import { withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { causesOf } from '../../redrive/groupCauses.ts'
import { CommandFailure } from '../failure.ts'
import { print, printable, printJson, table } from '../output.ts'
import { bytesText } from '../recordLines.ts'
import { openLedger, type OpenLedger } from './openLedger.ts'

interface GroupsOptions extends BrokerOptions {
  readonly json?: true
  readonly state?: GroupState
  readonly group?: string
}

const states: readonly GroupState[] = ['new', 'ongoing', 'resolved', 'regressed', 'muted']
const columns = ['group', 'state', 'open', 'redriving', 'last', 'trend', 'operator', 'fault', 'message']

export const dlqGroupsCommand = (): Command =>
  withBroker(
    new Command('groups')
      .summary('show dead letters by what they failed of')
      .description('Shows dead letters in groups of those that failed alike, the ones with open letters first.')
      .argument('[file]', 'a config: its dead-letter topics, instead of all of the broker')
      .option('--group <fingerprint>', 'one group: whom it is of, and what its letters have in common')
      .addOption(new Option('--state <state>', 'only those').choices(states))
      .option('--json', 'one JSON object a group'),
  )
    .addHelpText(
      'after',
      `
States: new (first seen within a day), ongoing, resolved (no letter is open), regressed (failed again after all that was
there had been dealt with), muted. The trend has the failures of the last 24 hours.

Examples:
  oxbow dlq groups
  oxbow dlq groups orders.yaml --state regressed --json
  oxbow dlq groups --group 2-13ef5a9203026cf6`,
    )
    .action(showGroups)

async function showGroups(path: string | undefined, options: GroupsOptions): Promise<void> {
  const { broker, ledger, names, close } = await openLedger(options, path)
  try {
    await ledger.follow(names)
    const all = ledger.groups(names, Date.now())
    if (options.group !== undefined) return await showGroup({ broker, ledger }, all, options.group, options.json)
    const groups = options.state ? all.filter(({ state }) => state === options.state) : all
    if (options.json) for (const group of groups) await printJson(asJson(group))
    else await print(table(columns, groups.map(rowOf)))
  } finally {
    await close()
  }
}

async function showGroup(
  parts: Pick<OpenLedger, 'broker' | 'ledger'>,
  all: readonly LetterGroup[],
  wanted: string,
  json = false,
): Promise<void> {
  const group = all.find(({ fingerprint }) => fingerprint === wanted)
  if (!group) throw new CommandFailure(`there is no group ${wanted}; \`oxbow dlq groups\` shows those that there are`)
  const affected = parts.ledger.affected(group.topic, wanted)
  const causes = await causesOf(parts, group)
  const example = parts.ledger.page({ topic: group.topic, fingerprint: wanted }, 1).letters[0]?.id ?? null
  const keys = affected.keys.map(({ key, letters }) => ({ key: key && bytesText(key), letters }))
  if (json) return printJson({ ...asJson(group), ...affected, letters: undefined, keys, causes, example })
  const { fingerprint, topic, state, open, redriving, resolved, discarded, expired, operator, code, message } = group
  const counted = (name: string, letters: number) => `${name} (${letters.toLocaleString('en-US')})`
  const lines = [
    ['group', `${fingerprint} on ${topic}`],
    ['state', state],
    [
      'letters',
      `${open} open, ${redriving} redriving, ${resolved} resolved, ${discarded} discarded, ${expired} expired`,
    ],
    ['fault', `${code} at ${operator}`],
    ['message', message],
    ['first', iso(group.first)],
    ['last', iso(group.last)],
    ['trend', sparkline(group.trend)],
    ['sources', affected.sources.map(({ name, letters }) => counted(name, letters)).join(', ')],
    ['keys', keys.map(({ key, letters }) => counted(key ?? '(none)', letters)).join(', ')],
    ['revisions', affected.revisions.map(({ name, letters }) => counted(name, letters)).join(', ')],
    ['example', example ?? '-'],
    ...causes.map(({ text }) => ['perhaps', text]),
  ]
  await print(lines.map(([name, text]) => `${`${name}:`.padEnd(11)}${printable(text!)}\n`).join(''))
}

const iso = (time: number): string => new Date(time).toISOString()

const asJson = ({ first, last, oldest, ...group }: LetterGroup): object => ({
  ...group,
  first: iso(first),
  last: iso(last),
  oldest: oldest === undefined ? null : iso(oldest),
})

const longestMessage = 80

function rowOf(group: LetterGroup): (string | number)[] {
  const { fingerprint, state, open, redriving, last, trend, operator, code, message } = group
  const line = message.split('\n', 1)[0]!
  const short = line.length > longestMessage ? `${line.slice(0, longestMessage)}…` : line
  return [fingerprint, state, open, redriving, iso(last), sparkline(trend), operator, code, short]
}

const bars = [...'·▁▂▃▄▅▆▇█']

/** One character a number, the highest as high as it can be. */
function sparkline(numbers: readonly number[]): string {
  const most = Math.max(...numbers, 1)
  return numbers.map((number) => bars[Math.ceil((number / most) * (bars.length - 1))]).join('')
}
