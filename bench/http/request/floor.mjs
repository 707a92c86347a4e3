// Always sends the same, and looks for no more of an answer than its empty line: less can nobody do on `node:net`.

import { connect } from 'node:net'

import { asking } from '../asked.mjs'

asking(() => {
  const idle = []

  function dial(url) {
    const { host, hostname, port } = new URL(url)
    const text = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`
    const socket = connect({ port, host: hostname, noDelay: true })
    const connection = { socket, text, resolve: undefined }
    socket.on('data', (chunk) => {
      const answer = chunk.latin1Slice()
      idle.push(connection)
      connection.resolve(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)))
    })
    return connection
  }

  return (url) =>
    new Promise((resolve) => {
      const connection = idle.pop() ?? dial(url)
      connection.resolve = resolve
      connection.socket.write(connection.text, 'latin1')
    })
})
