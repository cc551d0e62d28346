import { Argument, Command } from 'commander'
import { describeShell, shells, type Shell } from './completion/shells.ts'
import { print } from './output.ts'

export const completionCommand = (): Command =>
  new Command('completion')
    .description('Prints a completion script for a shell.')
    .addArgument(new Argument('<shell>', 'the shell').choices(shells))
    .addHelpText(
      'after',
      `
Examples:
  source <(oxbow completion bash)                                    for this shell; put it into ~/.bashrc
  oxbow completion zsh > "\${fpath[1]}/_oxbow"
  oxbow completion fish > ~/.config/fish/completions/oxbow.fish`,
    )
    .action((shell: Shell, _, { parent }: Command) => print(describeShell(shell, parent!)))
