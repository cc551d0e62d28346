import { quoted, type CommandWords } from './words.ts'

/** Completes commands, options and files in fish. */
export const fishScript = (commands: readonly CommandWords[]): string =>
  ['# Completion of oxbow for fish.', 'complete -c oxbow -f', ...commands.flatMap(lines), ''].join('\n')

function lines({ path, words, options, takesFile }: CommandWords): string[] {
  const when = condition(
    path,
    words.map(({ text }) => text),
  )
  return [
    ...words.map(({ text, summary }) => `complete -c oxbow -n ${when} -a ${quoted(text)} -d ${quoted(summary)}`),
    ...options.map(
      ({ text, summary, takesValue }) =>
        `complete -c oxbow -n ${when} -l ${text.slice(2)} -d ${quoted(summary)}${takesValue ? ' -r -F' : ''}`,
    ),
    ...(takesFile ? [`complete -c oxbow -n ${when} -F`] : []),
  ]
}

/** At this command, and at none of those below it. */
function condition(path: string, below: readonly string[]): string {
  const seen = path
    .split(' ')
    .filter(Boolean)
    .map((word) => `__fish_seen_subcommand_from ${word}`)
  const here = path === '' ? ['__fish_use_subcommand'] : seen
  const notBelow = path === '' || below.length === 0 ? [] : [`not __fish_seen_subcommand_from ${below.join(' ')}`]
  return quoted([...here, ...notBelow].join('; and '))
}
