/** When a subscription is answered at once: with a row or with none, where there is a row, or not. */
export type Answers = 'always' | 'ifThere' | 'never'

/** From a left record's task to that of its foreign key: it wants to know what the right side has there, from now on. */
export interface Subscription {
  /** The left record's key, as `groupOf` has it. */
  readonly left: string
  /** Which left record asks. */
  readonly version: string
  /** The partition of its task. */
  readonly partition: number
  /** It wants to know no more. */
  readonly ends?: true
  readonly answers: Answers
}

/** The answer, by the left record's key. */
export interface Answer {
  /** Of the subscription that it is for: if the key has another record by now, the answer is out of date. */
  readonly version: string
  /** Where the task is that asked. */
  readonly partition: number
  /** What the right side has; null where it has nothing. */
  readonly right: unknown
}

/** The branch by which the subscriptions of a step leave it. */
export const subscriptionsOf = (step: string): string => `~${step}`
