import { Command, Option } from 'commander'
import type { GroupState, LetterGroup } from '../../deadletter/ledger/groups.ts'
import { withBroker, type BrokerOptions } from '../brokerOptions.ts'
import { print, printJson, table } from '../output.ts'
import { openLedger } from './openLedger.ts'

interface GroupsOptions extends BrokerOptions {
  readonly json?: true
  readonly state?: GroupState
}

const states: readonly GroupState[] = ['new', 'ongoing', 'resolved', 'regressed', 'muted']
const columns = ['group', 'state', 'open', 'redriving', 'last', 'trend', 'operator', 'fault', 'message']

export const dlqGroupsCommand = (): Command =>
  withBroker(
    new Command('groups')
      .summary('show dead letters by what they failed of')
      .description('Shows dead letters in groups of those that failed alike, the ones with open letters first.')
      .argument('[file]', 'a config: its dead-letter topics, instead of all of the broker')
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
  oxbow dlq groups orders.yaml --state regressed --json`,
    )
    .action(showGroups)

async function showGroups(path: string | undefined, options: GroupsOptions): Promise<void> {
  const { ledger, names, close } = await openLedger(options, path)
  try {
    await ledger.follow(names)
    const all = ledger.groups(names, Date.now())
    const groups = options.state ? all.filter(({ state }) => state === options.state) : all
    if (options.json) for (const group of groups) await printJson(asJson(group))
    else await print(table(columns, groups.map(rowOf)))
  } finally {
    await close()
  }
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
