import { optionsWithValue, quoted, type CommandWords } from './words.ts'

/** Completes commands, options and files in bash. */
export const bashScript = (commands: readonly CommandWords[]): string => `# Completion of oxbow for bash.
_oxbow() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" path="" word words="" files=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${commands.flatMap(({ path }) => (path === '' ? [] : [quoted(path)])).join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${commands.map(choice).join('\n')}
  esac
  case "$previous" in
    ${optionsWithValue(commands).join('|')}) words="" files=1 ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ -n "$files" && "$current" != -* ]]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _oxbow oxbow
`

function choice({ path, words, options, takesFile }: CommandWords): string {
  const all = [...words, ...options].map(({ text }) => text).join(' ')
  return `    ${quoted(path)}) words=${quoted(all)}${takesFile ? ' files=1' : ''} ;;`
}
