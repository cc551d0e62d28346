import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { describeFailure, exitCodes } from './failure.ts'
import { endWithParent, handleSignals } from './signals.ts'

/** A command by name; its module is loaded when it is called. */
interface Entry {
  readonly name: string
  readonly summary: string
  load(): Promise<Command>
}

const entries: readonly Entry[] = [
  { name: 'new', summary: 'write a pipeline to start from', load: async () => (await import('./new.ts')).newCommand() },
  {
    name: 'check',
    summary: 'find the mistakes in configs',
    load: async () => (await import('./check.ts')).checkCommand(),
  },
  {
    name: 'test',
    summary: 'run the tests inside configs',
    load: async () => (await import('./test.ts')).testCommand(),
  },
  { name: 'run', summary: 'run pipelines', load: async () => (await import('./run.ts')).runCommand() },
  {
    name: 'describe',
    summary: 'show the topology of a pipeline',
    load: async () => (await import('./describe.ts')).describeCommand(),
  },
  {
    name: 'topics',
    summary: 'show or create the topics a pipeline needs',
    load: async () => (await import('./topics.ts')).topicsCommand(),
  },
  {
    name: 'produce',
    summary: 'append records from stdin to a topic',
    load: async () => (await import('./produce.ts')).produceCommand(),
  },
  {
    name: 'read',
    summary: 'print the records of a topic',
    load: async () => (await import('./read.ts')).readCommand(),
  },
  {
    name: 'table',
    summary: 'show the state of a pipeline',
    load: async () => (await import('./table.ts')).tableCommand(),
  },
  {
    name: 'reset',
    summary: 'have a pipeline start over',
    load: async () => (await import('./reset.ts')).resetCommand(),
  },
  {
    name: 'ui',
    summary: 'look into dead letters, topics and state in a browser',
    load: async () => (await import('./ui.ts')).uiCommand(),
  },
  { name: 'dlq', summary: 'look into dead letters', load: async () => (await import('./dlq.ts')).dlqCommand() },
  {
    name: 'list',
    summary: 'list components, and show their docs',
    load: async () => (await import('./list.ts')).listCommand(),
  },
  {
    name: 'completion',
    summary: 'print a completion script for a shell',
    load: async () => (await import('./completion.ts')).completionCommand(),
  },
]

const examples = `
Examples:
  oxbow new orders                           write orders.yaml, a pipeline with a passing test
  oxbow test orders.yaml                     run its tests: virtual time, no broker
  oxbow run orders.yaml                      run it, topics in ./.oxbow
  oxbow dlq ls                               what failed
  oxbow read dlq.orders --json               the dead letters themselves

Exit codes: 0 done, 1 failed, 2 wrong usage or config (nothing started), 130 interrupted.
"oxbow COMMAND --help" says more about a command.`

/** The whole command line, with the commands loaded whose names are among the words; completion speaks of all. */
async function buildProgram(words: readonly string[]): Promise<Command> {
  const program = new Command('oxbow')
    .description('Dead-letter-first stream processing: pipelines in YAML, no record lost or skipped without a trace.')
    .version(version(), '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print help for a command')
    .addHelpText('after', examples)
    .showHelpAfterError('("oxbow --help" shows what there is)')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'oxbow: ')) })
    .exitOverride()
  for (const { name, summary, load } of entries) {
    const loaded = words.includes(name) || words.includes('completion')
    const command = loaded ? await load() : new Command(name)
    inherit(command.summary(summary), program)
    program.addCommand(command)
  }
  return program
}

function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent)
  const path = [parent.parent?.name(), parent.name(), command.name()].filter(Boolean).join(' ')
  command.showHelpAfterError(`("${path} --help" shows how it is used)`)
  for (const child of command.commands) inherit(child, command)
}

/** Runs a command line and sets the exit code of the process. */
export async function runCommandLine(words: readonly string[]): Promise<void> {
  process.stdout.on('error', endOfReader)
  process.on('uncaughtException', (thrown) => process.exit(report(thrown)))
  handleSignals()
  endWithParent(process.env)
  const code = await execute(words)
  await written()
  process.exit(code)
}

/** Resolves when whoever reads has taken all that was printed, which an exit would throw away. */
const written = (): Promise<void> => new Promise((resolve) => void process.stdout.write('', () => resolve()))

async function execute(words: readonly string[]): Promise<number> {
  try {
    const program = await buildProgram(words.filter((word) => !word.startsWith('-')).slice(0, 2))
    await program.parseAsync(words, { from: 'user' })
    return exitCodes.done
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.done : exitCodes.usage
    return report(thrown)
  }
}

function report(thrown: unknown): number {
  const { exitCode, text } = describeFailure(thrown)
  if (text !== undefined) console.error(text)
  return exitCode
}

/** `oxbow read … | head`: who reads has seen enough, and that is no failure. */
function endOfReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(exitCodes.done)
  throw error
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
