import { defer, map, Observable, Subject, Subscription, type OperatorFunction } from 'rxjs'
import { asFault, Fault, UnexpectedFault } from '../record/fault.ts'
import { fail, type Outcome } from '../record/outcome.ts'
import type { Record } from '../record/record.ts'
import type { OperatorContext } from './context.ts'
import type { Step } from './operator.ts'

type Call = (record: Record, signal: AbortSignal) => Promise<Outcome>

/**
 * Lifts a step over a stream of records: every record leaves as exactly one outcome, and nothing that the step does,
 * throws or rejects ends the stream. Of a two-sided step it is the left side; of one by the clock what it does
 * with records.
 */
export function lift(step: Step, { name }: Pick<OperatorContext, 'name'>): OperatorFunction<Record, Outcome> {
  if (typeof step === 'function') return map((record) => attempt(step, record, name))
  if ('take' in step) return map((record) => attempt((given) => step.take(given), record, name))
  if ('left' in step) return map((record) => attempt(step.left, record, name))
  if ('each' in step) return perKey(step.each, step.concurrency, name)
  return guard(step.over, name)
}

/** One call of a synchronous step: what it throws is a failure of the record. */
export function attempt(apply: (record: Record) => Outcome, record: Record, name: string): Outcome {
  try {
    return outcomeOf(record, apply(record), name)
  } catch (thrown) {
    return fail(record, asFault(name, thrown))
  }
}

/** What a step says of a record, which may be anything: its code may come without types. @throws when it is no outcome */
function outcomeOf(record: Record, said: Outcome | null | undefined, name: string): Outcome {
  if (!isOutcome(said)) throw new TypeError('it gave no outcome: return what emit(), drop() or fail() makes')
  if (said.type === 'fail' && !(said.fault instanceof Fault)) return fail(record, new UnexpectedFault(name, said.fault))
  return said.record === record ? said : { ...said, record }
}

function isOutcome(said: Outcome | null | undefined): said is Outcome {
  if (said?.type === 'emit') return Array.isArray(said.results) && said.results.every(isRecord)
  return said?.type === 'drop' || said?.type === 'fail'
}

const isRecord = (result: Partial<Record> | null | undefined): boolean => typeof result?.origin === 'object'

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
          outcome = outcomeOf(record, await call(record, abort.signal), name)
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
      let running = Subscription.EMPTY
      let ended = false

      const out = (outcome: Outcome | null | undefined) => {
        const record = outcome?.record
        if (!record || !inside.delete(record)) return failAll(new Error('it let out what was not inside it'))
        subscriber.next(attempt(() => outcome, record, name))
      }
      const failAll = (thrown: unknown) => {
        input = undefined
        running.unsubscribe()
        const lost = [...inside]
        inside.clear()
        for (const record of lost) subscriber.next(fail(record, new UnexpectedFault(name, thrown)))
        if (ended) subscriber.complete()
      }
      const open = () => {
        const opened = new Subject<Record>()
        input = opened
        running = new Subscription()
        subscriber.add(running)
        running.add(
          defer(() => opened.pipe(over)).subscribe({
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
