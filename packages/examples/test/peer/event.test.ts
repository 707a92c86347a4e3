import { expect, test } from 'vitest'

import { describe, type PeerEvent } from '../../src/peer/event.ts'

const long = `${'ü'.repeat(28)}\u{1f600}and more`

test.each<[PeerEvent, string[]]>([
  [
    { event: 'opened', name: 'anna', address: '10.0.0.1:4000', lan: true },
    ['* you are anna at 10.0.0.1:4000'],
  ],
  [
    { event: 'opened', name: 'anna', address: '127.0.0.1:4000', lan: false },
    ['* you are anna at 127.0.0.1:4000 (this machine only)'],
  ],
  [{ event: 'left', peer: 'ben', lost: false }, ['* ben left']],
  [{ event: 'left', peer: 'ben', lost: true }, ['* ben is gone: not heard any more']],
  [{ event: 'delivered', peer: 'ben', text: 'ahoy' }, []],
  [
    { event: 'undelivered', peer: 'ben', text: long, why: 'no answer' },
    [`* ben may not have got "${'ü'.repeat(28)}\u{1f600}…": no answer`],
  ],
])('%j', (event, lines) => {
  expect(describe(event)).toEqual(lines)
})
