import type { TopicDifference } from '../../broker/topicPlan.ts'
import type { PlannedFile } from '../plans.ts'
import { differenceText, type ComparedTopic } from '../topicDifferences.ts'
import { finder, placesOf, type Finding, type PlacedTopic } from './finding.ts'

/** Topics that are not as the config says. Those that are missing are no mistake: they will be created. */
export function findDifferences(planned: PlannedFile, compared: readonly ComparedTopic[]): Finding[] {
  const placeOf = placesOf(planned)
  const error = finder(planned, 'error')
  const warning = finder(planned, 'warning')
  return compared.flatMap(({ spec: { name }, differences }) => {
    const topic = placeOf(name)
    return differences.flatMap((difference) => {
      const { aspect, mending } = difference
      if (aspect === 'missing') return []
      const path = topic.path(aspect === 'partitions' || aspect === 'retention' ? aspect : undefined)
      const message = `topic \`${name}\`: ${differenceText(difference)}; ${consequence(difference, topic, planned.file.file)}`
      const harmless =
        mending === 'shorten' ||
        (aspect === 'partitions' && (topic.role === 'internal' || difference.live > difference.needed))
      return (harmless ? warning : error)(path, message)
    })
  })
}

function consequence(difference: TopicDifference, { role }: PlacedTopic, file: string): string {
  const command = `oxbow topics ${file} --apply`
  const mend = `\`${command}\` mends it`
  const letters = role === 'deadLetters'
  switch (difference.aspect) {
    case 'missing':
      return ''
    case 'partitions':
      if (difference.mending === 'apply') return mend
      return difference.needed > difference.live
        ? `its keys would move to other partitions: say ${difference.live}, or use a new topic`
        : `partitions are never taken away: say ${difference.live}, or leave it out`
    case 'retention':
      if (difference.mending === 'apply') return letters ? `letters would be gone before that; ${mend}` : mend
      return `records stay for longer: say so in the config, or let \`${command} --shorten\` delete them`
    case 'compacted': {
      const right =
        difference.mending === 'apply'
          ? mend
          : `set its cleanup.policy to ${difference.needed ? 'compact' : 'delete'}, or use a new topic`
      return letters ? `a later letter of a key would delete the earlier ones; ${right}` : right
    }
    case 'maxMessageBytes':
      return `${letters ? 'a letter' : 'what is kept'} of the largest record would not fit, and its task would stop; ${mend}`
  }
}
