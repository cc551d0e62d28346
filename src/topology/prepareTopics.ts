import type { Broker, TopicInfo, TopicSpec } from '../broker/broker.ts'

/** Creates the topics that are missing: first those whose partitions others are to have. */
export async function prepareTopics(broker: Broker, specs: readonly TopicSpec[]): Promise<void> {
  const followers = specs.filter(({ partitionsOf }) => partitionsOf !== undefined)
  await broker.ensureTopics(specs.filter((spec) => !followers.includes(spec)))
  if (followers.length === 0) return
  const live = await broker.topics(followers.flatMap(({ partitionsOf }) => partitionsOf!))
  await broker.ensureTopics(sized(followers, live))
}

/** Specifications that name another topic for their partitions, with the number that this one has, where it is live. */
export const sized = (specs: readonly TopicSpec[], live: readonly TopicInfo[]): TopicSpec[] =>
  specs.map(({ partitionsOf, ...spec }) => {
    const like = live.filter(({ name }) => [partitionsOf].flat().includes(name))
    return {
      ...spec,
      ...(like.length > 0 && { partitions: Math.max(...like.map((topic) => topic.partitions.length)) }),
    }
  })
