import { expect, it } from 'vitest'
import { z } from 'zod'
import { duration, path } from '../../src/component/fields.ts'
import { defineOperator } from '../../src/component/operator.ts'
import { MissingFieldFault } from '../../src/record/fault.ts'
import { drop } from '../../src/record/outcome.ts'
import { page } from '../../src/reference/page.ts'

const forget = defineOperator({
  name: 'forget',
  summary: 'Drops every record.',
  config: z.strictObject({
    by: path()
      .describe('What it is about.')
      .meta({ examples: ['order.id'] }),
    after: duration().prefault('10m').describe('When.'),
    how: z.strictObject({ fast: z.boolean().default(false), mode: z.enum(['a', 'b']).optional() }).optional(),
  }),
  faults: [MissingFieldFault],
  examples: [
    {
      title: 'Forgetting',
      config: { by: 'id' },
      given: [{ id: 1 }, {}, 'a|b'],
      expect: ['drop of no use', 'fail record.missing_field', [1, { id: 2 }]],
    },
  ],
  build: () => (record) => drop(record, 'of no use'),
})

it('a page says what a component does, takes, answers and is used like', () => {
  expect(page('operator', forget)).toBe(`# forget

*operator.* Drops every record.

## Config

| field | type | default |  |
|---|---|---|---|
| \`by\` | path | **required** | What it is about. For example \`order.id\`. |
| \`after\` | duration | \`10m\` | When. |
| \`how\` | \`{ fast, mode }\` |  |  |
| \`how.fast\` | true or false | \`false\` |  |
| \`how.mode\` | \`a\` or \`b\` |  |  |

## Faults

| code | the record is | says |
|---|---|---|
| \`record.missing_field\` | dead-lettered | The record has no field "…". |

## Examples

### Forgetting

\`\`\`yaml
steps:
  - forget: { by: id }
\`\`\`

| comes in | leaves as |
|---|---|
| \`{ id: 1 }\` | dropped: of no use |
| \`{}\` | fault \`record.missing_field\` |
| \`"a\\|b"\` | \`1\`<br>\`{ id: 2 }\` |`)
})
