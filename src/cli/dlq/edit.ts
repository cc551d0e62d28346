import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { Fix } from '../../redrive/fix.ts'
import { withBroker } from '../brokerOptions.ts'
import { CommandFailure, UsageError } from '../failure.ts'
import type { ChoiceOptions } from './letterChoice.ts'
import { redrive, withWay, type WayOptions } from './redrive.ts'

type EditOptions = ChoiceOptions & WayOptions & { readonly value?: string; readonly rawFile?: string }

export const dlqEditCommand = (): Command =>
  withWay(
    withBroker(
      new Command('edit')
        .summary('send a dead letter back with another value')
        .description(
          'Sends one dead letter back with the value that you give. It passes the steps of the pipeline like any other, so that a wrong one becomes a letter again. The letter itself stays as it is.',
        )
        .argument('<file>', 'the config of the pipeline')
        .argument('<letter>', 'its id')
        .option('--value <json>', 'the value, as JSON')
        .option('--raw-file <file>', 'a file whose bytes are the value')
        .option('--why <text>', 'why: the ledger keeps it')
        .option('--json', 'one JSON object: letter, source, key, command'),
    ),
  )
    .addHelpText(
      'after',
      `
By default the value is that of the source record, and passes all steps: --to operator gives it to what failed.

Examples:
  oxbow dlq edit orders.yaml 0f5e2b4c9d8a7f6e5d4c3b2a19080706 --value '{"id": 7, "price": 0.4}'
  oxbow dlq edit orders.yaml 0f5e2b4c9d8a7f6e5d4c3b2a19080706 --raw-file mended.json`,
    )
    .action((file: string, id: string, options: EditOptions, command: Command) => {
      const isSaid = command.getOptionValueSource('to') === 'cli'
      return redrive(file, [id], isSaid ? options : { ...options, to: 'source' }, fixOf(options))
    })

function fixOf({ value, rawFile }: EditOptions): Fix {
  if ((value === undefined) === (rawFile === undefined))
    throw new UsageError('say what the value is to be: either --value or --raw-file')
  if (rawFile !== undefined) return { bytes: bytesOf(rawFile) }
  try {
    return { value: JSON.parse(value!) as unknown }
  } catch (thrown) {
    throw new UsageError(`--value is no JSON: ${(thrown as Error).message}`)
  }
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (thrown) {
    throw new CommandFailure(`--raw-file cannot be read: ${(thrown as Error).message}`)
  }
}
