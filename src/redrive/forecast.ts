import type { Letter } from '../deadletter/readLetter.ts'
import type { SendOptions, Sent } from './send.ts'
import { WaysBack } from './wayBack.ts'
import { WaysToTopic } from './wayToTopic.ts'

type ForecastOptions = Pick<SendOptions, 'plan' | 'to' | 'fix' | 'onRefused'> & {
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/** What sending letters would do, as far as their lanes and topics do not refuse them; nothing is sent. */
export async function forecast(letters: AsyncIterable<Letter>, options: ForecastOptions): Promise<Sent> {
  const { plan, to, fix, now, onRefused } = options
  const ways =
    typeof to === 'object'
      ? new WaysToTopic(plan, to.topic)
      : new WaysBack({ plan, to, redrive: '', ...(fix && { fix }) })
  let [sent, refused] = [0, 0]
  for await (const letter of letters) {
    const way = ways.of(letter, now())
    if ('refusal' in way) {
      refused++
      onRefused?.(letter, way.refusal)
    } else sent++
  }
  return { sent, refused }
}
