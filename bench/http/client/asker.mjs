// What asker.c does where there is no compiler: a slower client, and none at a rate.

import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

const [port, connections, requests, depth] = process.argv.slice(2).map(Number)
const asked = []
for (let left = await text(process.stdin); left;) {
  const [line] = left.split('\n', 1)
  const from = line.length + 1
  asked.push(left.slice(from, from + Number(line)))
  left = left.slice(from + Number(line))
}
const lengths = []
for (const request of asked) lengths.push(await measure(request))

/** The `depth` requests from one of them on, and the bytes of their answers. */
const batches = asked.map((_, first) => {
  const turns = Array.from({ length: depth }, (_, at) => (first + at) % asked.length)
  return {
    text: turns.map((turn) => asked[turn]).join(''),
    answered: turns.reduce((sum, turn) => sum + lengths[turn], 0),
  }
})

/** Bytes of the answer to a request. */
async function measure(request) {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.write(request)
  let answer = ''
  for await (const chunk of socket) {
    answer += chunk.toString('latin1')
    const [unchanged] = /^HTTP\/1.1 304 .*?\r\n\r\n/is.exec(answer) ?? []
    if (unchanged) return unchanged.length
    const [head, length] = /^HTTP\/1.1 200 .*?\r\ncontent-length: *(\d+).*?\r\n\r\n/is.exec(answer) ?? []
    if (head && answer.length >= head.length + Number(length)) return head.length + Number(length)
  }
  throw new Error('no answer of a known length')
}

/** As many batches as are this connection's, from one of the requests on. */
async function converse(count, first) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let sent = 0
  let left = 0
  const next = () => {
    const { text, answered } = batches[(first + sent++ * depth) % asked.length]
    left = answered
    socket.write(text)
  }
  socket.on('data', (chunk) => {
    left -= chunk.length
    if (left > 0) return
    if (sent < count) next()
    else socket.end()
  })
  next()
  await once(socket, 'close')
}

const began = performance.now()
const first = (at) => Math.floor((at * asked.length) / connections)
await Promise.all(
  Array.from({ length: connections }, (_, at) => converse(requests / connections / depth, first(at))),
)
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000 }))
