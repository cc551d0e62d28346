import { z } from 'zod'
import { Fault, MissingFieldFault } from '../record/fault.ts'
import { kindOf } from '../record/kind.ts'
import { field, type Record } from '../record/record.ts'

/** A field that a template puts into text holds no text, number or boolean. */
export class NotTextFault extends Fault {
  readonly code = 'value.not_text'
  readonly disposition = 'deadLetter'

  constructor(path: string, value: unknown) {
    super(`"${path}" is ${kindOf(value)}; a template takes text, numbers and booleans.`)
  }
}

/** Text with places for fields of a record, compiled once. */
export interface RecordTemplate {
  readonly text: string
  /** What stands before the first place. */
  readonly lead: string
  /**
   * The text with its places filled.
   * @param written how a field's text is written into it, such as URL-encoded
   * @throws MissingFieldFault, NotTextFault
   */
  fill(record: Record, written?: (text: string) => string): string
}

type Part = { readonly literal: string } | { readonly path: string }

const tokens = /(?<doubled>\{\{|\}\})|\{record\.(?<path>[\w-]+(?:\.[\w-]+)*)\}|(?<stray>[{}])|(?<text>[^{}]+)/g

/** A config field for text such as "{record.title} by {record.author}"; braces themselves are written twice. */
export const template = () =>
  z
    .string()
    .min(1)
    .transform((text, check): RecordTemplate => {
      const parts: Part[] = []
      for (const { groups = {} } of text.matchAll(tokens)) {
        if (groups.stray) {
          check.addIssue('expected places to read like "{record.title}", and other braces to be doubled: "{{", "}}"')
          return z.NEVER
        }
        parts.push(groups.path ? { path: groups.path } : { literal: groups.text ?? groups.doubled![0]! })
      }
      return compile(text, parts)
    })

function compile(text: string, parts: readonly Part[]): RecordTemplate {
  const first = parts.findIndex((part) => 'path' in part)
  return {
    text,
    lead: parts
      .slice(0, first === -1 ? undefined : first)
      .map((part) => ('literal' in part ? part.literal : ''))
      .join(''),
    fill: (record, written = (value) => value) =>
      parts.map((part) => ('literal' in part ? part.literal : written(textAt(record, part.path)))).join(''),
  }
}

function textAt(record: Record, path: string): string {
  const value = field(record, path)
  if (value === undefined) throw new MissingFieldFault(path)
  if (!['string', 'number', 'boolean', 'bigint'].includes(typeof value)) throw new NotTextFault(path, value)
  return String(value)
}
