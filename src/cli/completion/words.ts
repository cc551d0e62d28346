import type { Command } from 'commander'

export interface Word {
  readonly text: string
  readonly summary: string
  /** An option that is followed by a value. */
  readonly takesValue: boolean
}

/** What can follow a command. */
export interface CommandWords {
  /** "dlq show"; "" for the program itself. */
  readonly path: string
  /** Commands below it, choices of its argument. */
  readonly words: readonly Word[]
  readonly options: readonly Word[]
  /** Whether its argument is a file. */
  readonly takesFile: boolean
}

/** The words of a command and of all commands below it. */
export function wordsOf(command: Command, path = ''): readonly CommandWords[] {
  const help = command.createHelp()
  const visible = help.visibleCommands(command)
  const [argument] = command.registeredArguments
  const choices = (argument?.argChoices ?? []).map(plain)
  const own: CommandWords = {
    path,
    words: [...visible.map((child) => ({ ...plain(child.name()), summary: child.summary() })), ...choices],
    options: help.visibleOptions(command).flatMap(({ long, description, required }) => {
      return long ? [{ text: long, summary: description, takesValue: required }] : []
    }),
    takesFile: argument?.name() === 'file',
  }
  const below = visible.filter((child) => child.name() !== 'help')
  return [own, ...below.flatMap((child) => wordsOf(child, `${path} ${child.name()}`.trim()))]
}

const plain = (text: string): Word => ({ text, summary: '', takesValue: false })

/** Text in single quotes, as every one of these shells reads it. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Every option of any command that is followed by a value. */
export const optionsWithValue = (commands: readonly CommandWords[]): readonly string[] => {
  const options = commands.flatMap((command) => command.options.filter(({ takesValue }) => takesValue))
  return [...new Set(options.map(({ text }) => text))]
}
