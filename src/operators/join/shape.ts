import { durationText } from '../../component/fields.ts'
import type { JoinType } from './combine.ts'
import type { JoinConfig } from './kind.ts'

/** What of a join its state depends on; null of one that keeps none. */
export type JoinShape =
  | {
      /** How far apart records may be: what is kept stands together by that. */
      readonly within: readonly [before: number, after: number]
      /** Which records are waited for, to leave alone. */
      readonly type: JoinType
      /** By the clock records leave alone with their own origin, so more is kept of them. */
      readonly idle: boolean
    }
  | { readonly latest: true }
  | { readonly foreignKey: string }
  | null

export function shapeOf(join: JoinConfig): JoinShape {
  switch (join.kind) {
    case 'windowed': {
      const { before, after, type, idle } = join
      return { within: [before, after], type, idle: type !== 'inner' && idle !== undefined }
    }
    case 'latest':
      return { latest: true }
    case 'foreignKey':
      return { foreignKey: join.foreignKey.text }
    case 'table':
      return null
  }
}

/** What a shape says, in the words of configs. */
export function textOf(shape: JoinShape): readonly string[] {
  if (shape === null) return ['`table`']
  if ('latest' in shape) return ['`latest: true`']
  if ('foreignKey' in shape) return [`\`foreignKey: ${shape.foreignKey}\``]
  const { within, type, idle } = shape
  const [before, after] = within.map(durationText)
  const span = before === after ? before : `{ before: ${before}, after: ${after} }`
  return [`\`within: ${span}\``, `\`type: ${type}\``, idle ? '`idle`' : 'no `idle`']
}
