import { expect, it } from 'vitest'
import { decodeMemberData, encodeMemberData } from '../../../src/broker/kafka/memberData.ts'

it('what a member says is understood', () => {
  for (const address of ['web-1:80', '10.0.0.5:4680', '[fd00::5]:4680'])
    expect(decodeMemberData(encodeMemberData({ address }))).toEqual({ address })
  expect(decodeMemberData(encodeMemberData({}))).toEqual({})
})

it.each([
  ['nothing', Buffer.alloc(0)],
  ['null', null],
  ['other data', Buffer.from([0, 0, 0, 7, 0xff])],
  ['other JSON', Buffer.from('[1]')],
  ['null of JSON', Buffer.from('null')],
  ['a path', Buffer.from('{"address":"web-1:80/elsewhere?"}')],
  ['a user', Buffer.from('{"address":"user@web-1:80"}')],
])('of %s nothing is known', (_, bytes) => {
  expect(decodeMemberData(bytes)).toEqual({})
})
