/** Who writes dead letters, each in a way of its own. */
export const conventions = ['oxbow', 'connect', 'spring', 'streams', 'shareGroup', 'vector', 'json'] as const
export type Convention = (typeof conventions)[number]
