import { asyncScheduler } from 'rxjs'
import type { z } from 'zod'
import type { Json, Log } from '../../src/component/context.ts'
import type { OpenSink, Receipt, SinkSpec } from '../../src/component/sink.ts'
import type { Record } from '../../src/record/record.ts'
import { recordedLog } from '../sources/connect.ts'

export interface Surroundings {
  readonly directory?: string
  readonly position?: Json
  readonly log?: Log
}

/** Opens a sink as a pipeline would. */
export async function openSink<S extends z.ZodType>(
  sink: SinkSpec<S>,
  config: z.input<S>,
  { directory = '/', position, log = recordedLog() }: Surroundings = {},
): Promise<OpenSink> {
  if (!sink.open) throw new Error(`${sink.name} has nothing to open.`)
  const { signal } = new AbortController()
  const context = { name: 'out', scheduler: asyncScheduler, directory, log, signal, position }
  return sink.open(sink.config.parse(config), context)
}

let offset = 0n

export function record(value: unknown, key: string | null = null): Record {
  const origin = { source: 'in', topic: 'in', partition: 0, offset: offset++, timestamp: 0 }
  return { key: key === null ? null : Buffer.from(key), value, headers: [], timestamp: 0, origin, index: '' }
}

export const write = (sink: OpenSink, values: readonly unknown[], signal = new AbortController().signal) =>
  sink.write(
    values.map((value) => record(value)),
    signal,
  )

/** A receipt as a test reads it: written, or the code and disposition of its fault. */
export const receiptText = (receipt: Receipt): string =>
  receipt === 'written' ? receipt : `${receipt.code} ${receipt.disposition}`
