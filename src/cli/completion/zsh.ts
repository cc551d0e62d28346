import { optionsWithValue, quoted, type CommandWords, type Word } from './words.ts'

/** Completes commands, options and files in zsh. */
export const zshScript = (commands: readonly CommandWords[]): string => `#compdef oxbow
_oxbow() {
  local at="" word
  local -a choices options
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${at:+$at }$word" in
      ${commands.flatMap(({ path }) => (path === '' ? [] : [quoted(path)])).join('|')}) at="\${at:+$at }$word" ;;
    esac
  done
  case "\${words[CURRENT-1]}" in
    ${optionsWithValue(commands).join('|')}) _files; return ;;
  esac
  case "$at" in
${commands.map(choice).join('\n')}
  esac
}
if [[ "\${funcstack[1]}" == _oxbow ]]; then _oxbow "$@"; else compdef _oxbow oxbow; fi
`

function choice({ path, words, options, takesFile }: CommandWords): string {
  const lines = [
    `choices=(${words.map(described).join(' ')})`,
    `options=(${options.map(described).join(' ')})`,
    ...(words.length > 0 ? [`_describe 'command' choices`] : []),
    `_describe -o 'option' options`,
    ...(takesFile ? ['_files'] : []),
  ]
  return `    ${quoted(path)})\n${lines.map((line) => `      ${line}`).join('\n')}\n      ;;`
}

const described = ({ text, summary }: Word): string => quoted(`${text}:${summary.replaceAll(':', '\\:')}`)
