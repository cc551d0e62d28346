import { z } from 'zod'
import { ExpressionFault, predicate, type RecordPredicate } from '../component/expression.ts'
import { withoutProto } from '../component/fields.ts'
import { defineOperator } from '../component/operator.ts'
import { drop, emitTo } from '../record/outcome.ts'

const branchName = () =>
  z.string().regex(/^[A-Za-z][\w-]*$/, 'expected the name of a branch: a letter, then letters, digits, _ and -')

export const branch = defineOperator({
  name: 'branch',
  summary: 'Sends a record to the first branch whose condition holds.',

  config: withoutProto(
    z
      .object({
        else: branchName().optional().describe('The branch of all other records; without it they are dropped.'),
      })
      .catchall(predicate())
      .superRefine((branches, context) => {
        const names = Object.keys(conditionsOf(branches))
        if (names.length === 0)
          context.addIssue({ code: 'custom', message: 'expected at least one branch with a condition' })
        for (const name of names) {
          const { error } = branchName().safeParse(name)
          if (error) context.addIssue({ code: 'custom', message: error.issues[0]!.message, path: [name] })
        }
        if (names.includes(branches.else ?? '')) {
          context.addIssue({ code: 'custom', message: 'a branch with a condition has that name', path: ['else'] })
        }
      }),
  )
    .describe('Branches in order, each with its condition. Other streams read one as `from: stream.branch`.')
    .meta({ examples: [{ cheap: 'record.price < 0.5', dear: 'record.price > 0.9', else: 'middle' }] }),

  faults: [ExpressionFault],

  examples: [
    {
      title: 'Three branches',
      config: { cheap: 'record.price < 0.5', dear: 'record.price > 0.9', else: 'middle' },
      given: [{ price: 0.1 }, { price: 1 }, { price: 0.7 }, { price: 'free' }],
      expect: [[{ price: 0.1 }], [{ price: 1 }], [{ price: 0.7 }], 'fail expression.failed'],
    },
    {
      title: 'Dropping what fits no branch',
      config: { english: "record.language == 'en'" },
      given: [{ language: 'en' }, { language: 'de' }],
      expect: [[{ language: 'en' }], 'drop no branch'],
    },
  ],

  branches: (config) => [...Object.keys(conditionsOf(config)), ...(config.else === undefined ? [] : [config.else])],

  build(config, { scheduler }) {
    const conditions = Object.entries(conditionsOf(config))
    return (record) => {
      const now = scheduler.now()
      const chosen = conditions.find(([, condition]) => condition.holds(record, now))?.[0] ?? config.else
      return chosen === undefined ? drop(record, 'no branch') : emitTo(chosen, record)
    }
  },
})

function conditionsOf({ else: _other, ...conditions }: { readonly else?: string | undefined }): {
  [name: string]: RecordPredicate
} {
  return conditions
}
