// 64 bytes that are a line, and as well a message behind its length.
const message = Buffer.alloc(64, 'x')
message.writeUInt32BE(60)
message.write('\n', 63)

/** As many messages as a socket would give them: in pieces that end anywhere. */
export function chunksOf(messages) {
  const stream = Buffer.alloc(messages * message.length, message)
  const size = 64 * 1024 - 27
  return Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
    stream.subarray(index * size, (index + 1) * size),
  )
}

/** Messages that are decoded from one array of chunks, which is decoded again and again. */
export const batch = 64 * 1024
