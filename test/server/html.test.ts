import fc from 'fast-check'
import { expect, it } from 'vitest'
import { clipped, html } from '../../src/server/html.ts'

it('escapes what is put into it, and not what is HTML already', () => {
  const inner = html`<b title="${'"'}">${'<&>'}</b>`
  expect(html`<p>${inner}${[1, 'a', undefined, [inner]]}${undefined}</p>`.text).toBe(
    '<p><b title="&quot;">&lt;&amp;&gt;</b>1a<b title="&quot;">&lt;&amp;&gt;</b></p>',
  )
})

it('takes no object that merely looks like HTML', () => {
  expect(() => html`${JSON.parse('[{"text":"<b>"}]')}`).toThrow(TypeError)
})

it('leaves no character of any text that could end what it is in', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'<>&"\'`;#xa/ \0') }), (text) => {
      const escaped = html`${text}`.text
      expect(escaped).not.toMatch(/[<>"']|&(?!(amp|lt|gt|quot|#39);)/)
    }),
  )
})

it('shows characters that nobody sees, or that turn others around', () => {
  expect(html`${'a\u0000b\u202ec\u2066d\ud800e\nf'}`.text).toBe('a\ufffdb\ufffdc\ufffdd\ufffde\nf')
})

it('cuts what is too long between characters', () => {
  expect(clipped('abc', 3)).toBe('abc')
  expect(clipped('abcd', 3)).toBe('abc…')
  expect(clipped('😀😀😀😀', 3)).toBe('😀😀😀…')
  expect(clipped('😀😀😀', 3)).toBe('😀😀😀')
})
