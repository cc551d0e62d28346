import type { PipelineStatus, RunningPipeline, ThreadLag } from '../topology/running.ts'
import type { Family, Point } from './family.ts'
import { shared } from './shared.ts'

/** Where each partition of this process is, how far it has come, and in which thread. */
export function partitionMetrics(gauge: Family, status: (pipeline: RunningPipeline) => Promise<PipelineStatus>): void {
  const lags = shared((pipeline) => pipeline.lag())
  const place = ['topic', 'partition', 'thread'] as const
  const each = (value: (lag: ThreadLag) => number) => async (pipeline: RunningPipeline) =>
    (await lags(pipeline)).map((lag): Point => {
      const { topic, partition, thread } = lag
      return { labels: { topic, partition: String(partition), thread: String(thread) }, value: value(lag) }
    })
  gauge(
    'oxbow_partition_position_offset',
    'The offset after the last record that was read.',
    place,
    each(({ position }) => Number(position)),
  )
  gauge(
    'oxbow_partition_high_watermark_offset',
    'The offset after the last record there is.',
    place,
    each(({ end }) => Number(end)),
  )
  gauge(
    'oxbow_partition_lag_records',
    'Records from the position to the high-water mark.',
    place,
    each(({ position, end }) => Number(end - position)),
  )
  gauge(
    'oxbow_partition_assigned',
    'Which thread of this process has the partition, and as which member of the group.',
    [...place, 'member'],
    async (pipeline) =>
      (await lags(pipeline)).map(({ topic, partition, thread, member = '' }) => {
        return { labels: { topic, partition: String(partition), thread: String(thread), member }, value: 1 }
      }),
  )
  gauge(
    'oxbow_standby_lag_records',
    'Records of the changelog that a standby copy of this process lacks of a partition’s state.',
    ['partition', 'thread'],
    async (pipeline) =>
      (await status(pipeline)).shares.flatMap(({ thread, standbys }) =>
        standbys.map(({ partition, lag }): Point => {
          return { labels: { partition: String(partition), thread: String(thread) }, value: lag }
        }),
      ),
  )
  gauge('oxbow_thread_tasks', 'Tasks of the thread.', ['thread'], async (pipeline) =>
    (await status(pipeline)).shares.map(({ thread, tasks }) => {
      return { labels: { thread: String(thread) }, value: tasks.length }
    }),
  )
}
