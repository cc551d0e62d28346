import type { Command } from 'commander'
import { bashScript } from './bash.ts'
import { fishScript } from './fish.ts'
import { wordsOf } from './words.ts'
import { zshScript } from './zsh.ts'

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript }

export type Shell = keyof typeof scripts

export const shells = Object.keys(scripts) as Shell[]

/** The completion script of a program for a shell. */
export const describeShell = (shell: Shell, program: Command): string => scripts[shell](wordsOf(program))
