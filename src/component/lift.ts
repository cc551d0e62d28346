import { map, Observable, Subject, type OperatorFunction } from 'rxjs'
import { asFault, UnexpectedFault } from '../record/fault.ts'
import { fail, type Outcome } from '../record/outcome.ts'
import type { Record } from '../record/record.ts'
import type { OperatorContext } from './context.ts'
import type { Step } from './operator.ts'

type Call = (record: Record, signal: AbortSignal) => Promise<Outcome>

/**
 * Lifts a step over a stream of records: every record leaves as exactly one outcome, and nothing that the step does,
 * throws or rejects ends the stream.
 */
export function lift(step: Step, { name }: Pick<OperatorContext, 'name'>): OperatorFunction<Record, Outcome> {
  if (typeof step === 'function') return map((record) => attempt(step, record, name))
  if ('each' in step) return perKey(step.each, step.concurrency, name)
  return guard(step.over, name)
}

function attempt(apply: (record: Record) => Outcome, record: Record, name: string): Outcome {
  try {
    return apply(record)
  } catch (thrown) {
    return fail(record, asFault(name, thrown))
  }
}

/** Up to `concurrency` calls at once; records of one key one after another, records without a key in any order. */
function perKey(call: Call, concurrency: number, name: string): OperatorFunction<Record, Outcome> {
  return (records) =>
    new Observable((subscriber) => {
      const abort = new AbortController()
      const ready: Record[] = []
      /** The keys at work, each with the records that wait behind it. */
      const behind = new Map<string, Record[]>()
      let active = 0
      let ended = false

      const take = (record: Record) => {
        const queue = record.key === null ? undefined : behind.get(record.key.toString('latin1'))
        if (queue) return void queue.push(record)
        if (record.key !== null) behind.set(record.key.toString('latin1'), [])
        ready.push(record)
        start()
      }
      const start = () => {
        while (active < concurrency && ready.length > 0) {
          active++
          void run(ready.shift()!)
        }
      }
      const run = async (record: Record) => {
        let outcome: Outcome
        try {
          outcome = await call(record, abort.signal)
        } catch (thrown) {
          outcome = fail(record, asFault(name, thrown))
        }
        active--
        if (abort.signal.aborted) return
        release(record)
        subscriber.next(outcome)
        start()
        if (ended && active === 0) subscriber.complete()
      }
      const release = ({ key }: Record) => {
        if (key === null) return
        const next = behind.get(key.toString('latin1'))?.shift()
        if (next) ready.push(next)
        else behind.delete(key.toString('latin1'))
      }

      subscriber.add(() => abort.abort())
      subscriber.add(
        records.subscribe({
          next: take,
          complete: () => {
            ended = true
            if (active === 0) subscriber.complete()
          },
        }),
      )
    })
}

/**
 * Keeps count of what is inside an RxJS operator. If it errors or completes early, the records inside fail, and it is
 * set up anew for the records to come.
 */
function guard(over: OperatorFunction<Record, Outcome>, name: string): OperatorFunction<Record, Outcome> {
  return (records) =>
    new Observable((subscriber) => {
      const inside = new Set<Record>()
      let input: Subject<Record> | undefined
      let ended = false

      const out = (outcome: Outcome) => {
        if (inside.delete(outcome.record)) return subscriber.next(outcome)
        failAll(new Error('it let out a record that was not inside it'))
      }
      const failAll = (thrown: unknown) => {
        input = undefined
        const lost = [...inside]
        inside.clear()
        for (const record of lost) subscriber.next(fail(record, new UnexpectedFault(name, thrown)))
        if (ended) subscriber.complete()
      }
      const open = () => {
        const opened = new Subject<Record>()
        input = opened
        subscriber.add(
          opened.pipe(over).subscribe({
            next: (outcome) => input === opened && out(outcome),
            error: (thrown) => input === opened && failAll(thrown),
            complete: () => input === opened && failAll(new Error('it completed with records inside')),
          }),
        )
        return opened
      }

      subscriber.add(
        records.subscribe({
          next: (record) => {
            inside.add(record)
            const target = input ?? open()
            target.next(record)
          },
          complete: () => {
            ended = true
            if (input) input.complete()
            else subscriber.complete()
          },
        }),
      )
    })
}
