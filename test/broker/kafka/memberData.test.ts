import { expect, it } from 'vitest'
import { decodeMemberData, encodeMemberData } from '../../../src/broker/kafka/memberData.ts'

it('what a member says is understood', () => {
  for (const address of ['web-1:80', '10.0.0.5:4680', '[fd00::5]:4680'])
    expect(decodeMemberData(encodeMemberData({ address }))).toEqual({ address })
  expect(decodeMemberData(encodeMemberData({}))).toEqual({})
  const all = { address: 'web-1:80', place: 'web-1-812', owned: [0, 2], copies: new Map([[1, 90]]) }
  expect(decodeMemberData(encodeMemberData(all))).toEqual(all)
})

it.each([
  ['nothing', Buffer.alloc(0)],
  ['null', null],
  ['other data', Buffer.from([0, 0, 0, 7, 0xff])],
  ['other JSON', Buffer.from('[1]')],
  ['null of JSON', Buffer.from('null')],
  ['numbers that are none', Buffer.from('{"owned":[-1],"copies":[[0,"x"]],"place":7}')],
  ['a path', Buffer.from('{"address":"web-1:80/elsewhere?"}')],
  ['a user', Buffer.from('{"address":"user@web-1:80"}')],
])('of %s nothing is known', (_, bytes) => {
  expect(decodeMemberData(bytes)).toEqual({})
})
