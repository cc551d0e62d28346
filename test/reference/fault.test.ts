import { expect, it } from 'vitest'
import { HttpStatusFault, HttpTimeoutFault } from '../../src/component/httpFault.ts'
import { MissingFieldFault } from '../../src/record/fault.ts'
import { faultFacts } from '../../src/reference/fault.ts'

it('a fault is told by its code, what becomes of the record, and its message without values', () => {
  expect(faultFacts(MissingFieldFault)).toEqual({
    code: 'record.missing_field',
    dispositions: ['deadLetter'],
    message: 'The record has no field "…".',
  })
})

it('both dispositions are told where they depend on what happened', () => {
  expect(faultFacts(HttpStatusFault).dispositions).toEqual(['deadLetter', 'retry'])
})

it('a message that whoever raises it words is left out', () => {
  expect(faultFacts(HttpTimeoutFault)).toEqual({ code: 'http.timeout', dispositions: ['retry'], message: undefined })
})
