import type { TopicInfo } from '../broker/broker.ts'
import { CommandFailure } from './failure.ts'

/** @throws CommandFailure naming the topics that there are */
export function findTopic(topics: readonly TopicInfo[], name: string): TopicInfo {
  const topic = topics.find((other) => other.name === name)
  if (topic) return topic
  const names = topics.map((other) => other.name).toSorted()
  throw new CommandFailure(
    `there is no topic ${name}; ${names.length > 0 ? `there are: ${names.join(', ')}` : 'there are none yet'}`,
  )
}
