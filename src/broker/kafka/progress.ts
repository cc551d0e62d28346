import type { TopicPartition } from '../broker.ts'
import type { Notes } from './copies.ts'

/** A restore that is this short is nothing to speak of; a longer one says how far it is each time so long, in milliseconds. */
const sayEvery = 3_000

/** How far the restore of a changelog partition is. */
export class Progress {
  /** The offset that it begins with. */
  readonly from: number
  readonly #place: TopicPartition
  readonly #end: number
  readonly #notes: Notes | undefined
  readonly #began = Date.now()
  #saidAt = Date.now()
  #records = 0
  #said = false

  constructor(place: TopicPartition, from: number, end: number, notes: Notes | undefined) {
    this.from = from
    this.#place = place
    this.#end = end
    this.#notes = notes
  }

  /** @param next the offset after what was restored last @param records how many were more */
  at(next: number, records: number): void {
    this.#records += records
    if (Date.now() - this.#saidAt < sayEvery) return
    this.#saidAt = Date.now()
    this.#said = true
    const share = Math.floor((100 * (next - this.from)) / Math.max(1, this.#end - this.from))
    this.#say('Restoring', `, ${share} %`, { share })
  }

  /** @param isStandby whether it went on from a standby copy: of a take-over is always told */
  end(isStandby = false): void {
    if (isStandby) this.#say('Took over from a standby copy and restored the rest of the', '', {})
    else if (this.#said) this.#say('Restored', '', {})
  }

  #say(verb: string, share: string, fields: object): void {
    const seconds = (Date.now() - this.#began) / 1_000
    const rate = Math.round(this.#records / seconds)
    const { topic, partition } = this.#place
    const done = `${this.#records.toLocaleString('en-US')} records in ${seconds.toFixed(1)} s, ${rate.toLocaleString('en-US')} a second`
    const all = { topic, partition, records: this.#records, seconds, rate, ...fields }
    this.#notes?.info(all, `${verb} state from ${topic}, partition ${partition}: ${done}${share}.`)
  }
}
