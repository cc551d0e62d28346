import { z } from 'zod'

const counted = () => z.int().min(1)

const fault = () =>
  z.strictObject({
    operator: z
      .string()
      .optional()
      .describe('The operator at which records fail, such as `averages.aggregate`: it has changed its state by then.'),
    sink: z.string().optional().describe('The external sink that refuses records, such as `articles.to.file`.'),
    record: z
      .union([counted(), z.array(counted()).min(1)])
      .optional()
      .describe('Which of the records that come to the operator or sink; the first is 1.'),
    retry: z
      .boolean()
      .optional()
      .describe('Whether the record is tried again. Default: it is dead-lettered at once, with `injected.fault`.'),
    times: counted()
      .optional()
      .describe('With `retry`, how many tries of a record fail; with `deadLetters`, how many units. Default 1.'),
    deadLetters: z
      .string()
      .optional()
      .describe('The dead-letter topic that cannot be written: the unit fails, and its task starts again.'),
    crash: z
      .enum(['beforeProduce', 'afterProduce', 'afterState', 'afterCommit'])
      .optional()
      .describe('How far a unit gets before the process dies, and starts again from what is committed.'),
    unit: counted().optional().describe('With `crash`, which of the units that the pipeline commits. Default 1.'),
    topic: z.string().optional().describe('With `crash`, only units that write to this topic count.'),
  })

const kept = () => z.record(z.string(), z.record(z.string(), z.unknown())).optional()

/** A test inside a config. */
export const test = () =>
  z
    .strictObject({
      name: z.string().min(1),
      at: z.iso
        .datetime({ offset: true })
        .optional()
        .describe('What time it is when the test starts. Default `2026-01-01T00:00:00Z`.'),
      given: z
        .record(z.string(), z.string())
        .describe('Marbles per source: one letter a record, `-` a millisecond, `59m` time that passes, `|` the end.'),
      before: z
        .strictObject({ tables: kept(), state: kept() })
        .optional()
        .describe(
          'What tables and operators keep when the test starts, as `tables` and `state` say it of the end; state that is no plain data as `{ $raw: { base64 } }`.',
        ),
      values: z
        .record(z.string(), z.unknown())
        .optional()
        .describe(
          'What the letters stand for: values as plain data, or spelled out as `{ $value, $raw, $key, $headers, $timestamp }`, ' +
            'for dead letters with `$fault` (the code) and `$operator` too.',
        ),
      expect: z
        .record(z.string(), z.string())
        .optional()
        .describe('Marbles per topic, dead-letter topic, external sink (`articles.to.file`), or `alerts`.'),
      faults: z
        .array(fault())
        .optional()
        .describe('What goes wrong: each is one of `operator`, `sink`, `deadLetters` and `crash`.'),
      tables: kept().describe(
        'What tables hold at the end, by their names and keys: a row’s value, or `{ $value, $timestamp }`; null for a key that is not to be there.',
      ),
      state: kept().describe('The same of the state of operators, by their ids and their own keys.'),
    })
    .superRefine(({ expect, tables, state }, context) => {
      if ((expect ?? tables ?? state) !== undefined) return
      context.addIssue({
        code: 'custom',
        path: ['expect'],
        message: 'expected `expect`, `tables` or `state`: what the test looks at',
      })
    })
