import { z } from 'zod'
import { expression, predicate } from '../component/expression.ts'
import { duration, topicName } from '../component/fields.ts'

/** How many points a line shows where the config does not say. */
const defaultPoints = 500

const shortText = () => z.string().min(1).max(200)

const line = () =>
  z.strictObject({
    topic: topicName().describe('The topic that its records are read from, the newest; values as JSON.'),
    when: predicate().optional().describe('Which of them, as a condition in CEL. Default: all.'),
    y: expression().describe(
      'What is drawn: a number, or true or false; where it is null or absent the line has a gap. In CEL, over a record.',
    ),
    name: shortText().optional().describe('What the legend calls it. Default: `y` as it is written.'),
    unit: shortText().optional().describe('What its numbers count, such as `USD`; said at its axis.'),
    axis: z.enum(['left', 'right']).default('left').describe('On which side its numbers stand.'),
    as: z
      .enum(['line', 'marks'])
      .default('line')
      .describe('`line`: points joined by a line. `marks`: a mark where it is true or above 0.'),
  })

/** How much of its records a plot shows: the last points of each line, or a time back from the newest. */
const extent = () =>
  z.union(
    [
      duration().transform((time) => ({ time })),
      z
        .int()
        .min(1)
        .max(5_000)
        .transform((points) => ({ points })),
    ],
    {
      error: 'expected a duration such as "7d", or a number of points from 1 to 5000',
    },
  )

/** A plot of records, as the web page shows it. */
export const plot = () =>
  z.strictObject({
    title: shortText().describe('What stands above it.'),
    by: expression()
      .optional()
      .describe('One picture for each value that this gives over the records, such as `record.market`. Default: one.'),
    x: expression()
      .optional()
      .describe('When a point is: ISO 8601, or milliseconds since 1970. Default: the timestamp of the record.'),
    last: extent()
      .default({ points: defaultPoints })
      .describe('How much is shown: so many points of each line, or a time back from the newest. Default 500.'),
    empty: shortText()
      .optional()
      .describe('What is said while there is nothing to show: what is awaited, and when it comes.'),
    lines: z.array(line()).min(1).max(8).describe('What is drawn.'),
  })

export type PlotConfig = z.output<ReturnType<typeof plot>>
export type PlotLine = PlotConfig['lines'][number]
