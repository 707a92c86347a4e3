// The peer at the other ends of the cables: does what the lines on its input say, and prints what it hears.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'

const print = (line) => console.log(JSON.stringify(line))

const commands = {
  async see({ name }) {
    while (!networkInterfaces()[name]) await setTimeout(2)
  },
  async listen({ type = 'udp4', port = 0, group, via }) {
    const socket = createSocket({ type, reuseAddr: true })
    socket.on('message', (data, { address }) => print({ heard: String(data), from: address }))
    socket.bind(port)
    await once(socket, 'listening')
    if (group) for (const it of [via].flat()) socket.addMembership(group, it)
    return socket.address().port
  },
  async send({ type = 'udp4', text, host, port, from, via }) {
    const socket = createSocket(type)
    socket.bind(0, from)
    await once(socket, 'listening')
    if (via) socket.setMulticastInterface(via)
    await new Promise((resolve, reject) => {
      socket.send(text, port, host, (error) => (error ? reject(error) : resolve()))
    })
    socket.close()
  },
}

print({ done: process.pid })
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line)
  try {
    print({ done: (await commands[command](rest)) ?? null })
  } catch (error) {
    print({ failed: String(error) })
  }
}
process.exit()
