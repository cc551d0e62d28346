import type { TopicInfo } from '../../broker/broker.ts'
import { durationText } from '../../component/fields.ts'

/** How a topic keeps its records. */
export type Keeping = Pick<TopicInfo, 'retention' | 'retentionBytes' | 'compacted'>

/**
 * What a topic will do to its open letters, in words.
 * @param expiring open letters that its retention deletes within a day
 * @param wanted milliseconds that its config asks for; nothing is known of that when absent
 */
export function retentionWarnings(
  expiring: number,
  { retention = Infinity, retentionBytes, compacted = false }: Keeping,
  wanted = 0,
): readonly string[] {
  const count = `${expiring.toLocaleString('en-US')} open ${expiring === 1 ? 'letter' : 'letters'}`
  const asked = wanted === Infinity ? 'for ever' : durationText(wanted)
  return [
    expiring > 0 && `${count} will be deleted by retention within a day`,
    compacted && 'it is compacted: a later letter of a key deletes the earlier ones; set its cleanup.policy to delete',
    retention < wanted &&
      `it keeps letters ${durationText(retention)}, the config says ${asked}: they are deleted before that; \`oxbow topics FILE --apply\` mends it`,
    retentionBytes !== undefined &&
      `each partition keeps ${retentionBytes.toLocaleString('en-US')} bytes at most (retention.bytes): the oldest letters are deleted when more come, whatever their age`,
  ].filter((each) => each !== false)
}
