import { writeFileSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { CommandFailure, UsageError } from './failure.ts'
import { pipelineTemplate } from './new/template.ts'
import { print } from './output.ts'

export const newCommand = (): Command =>
  new Command('new')
    .description('Writes NAME.yaml: a pipeline to start from, with a passing test inside.')
    .argument('<name>', 'name of the pipeline, such as orders')
    .addHelpText(
      'after',
      `
Examples:
  oxbow new orders
  oxbow test orders.yaml && oxbow run orders.yaml --until-idle`,
    )
    .action(create)

async function create(name: string): Promise<void> {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,79}$/.test(name)) {
    throw new UsageError(`\`${name}\` cannot be a name: up to 80 of a-z A-Z 0-9 . _ -, such as orders`)
  }
  const file = `${name}.yaml`
  try {
    writeFileSync(file, pipelineTemplate(name, schemaPath()), { flag: 'wx' })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new CommandFailure(`${file} is there already, and stays as it is; choose another name`, { cause })
  }
  await print(`${file} is written. Next:
  oxbow test ${file}
  oxbow run ${file} --until-idle
  oxbow dlq show dlq.${name}.in
`)
}

/** The grammar that editors complete and check configs by, from here. */
function schemaPath(): string {
  const path = relative('.', fileURLToPath(new URL('../../config/schema.json', import.meta.url)))
  return path.startsWith('..') ? path.split(sep).join('/') : `./${path.split(sep).join('/')}`
}
