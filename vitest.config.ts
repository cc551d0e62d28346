import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const test = { pool: 'forks', testTimeout: 20_000, hookTimeout: 20_000 } as const
/** More than one also on two cores: tests wait for processes and for Kafka most of their time. */
const maxWorkers = Math.max(2, availableParallelism() - 1)

export default defineConfig({
  test: {
    maxWorkers,
    projects: [
      {
        test: {
          ...test,
          name: 'embedded',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.kafka.test.ts', 'test/**/*.browser.test.ts'],
        },
      },
      {
        test: {
          ...test,
          name: 'browser',
          include: ['test/**/*.browser.test.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...test,
          name: 'kafka',
          include: ['test/**/*.kafka.test.ts'],
          globalSetup: 'test/support/kafka/setup.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
