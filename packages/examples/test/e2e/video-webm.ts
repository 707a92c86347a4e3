/** A video of frames each of which can be shown by itself. */
export interface Video {
  readonly width: number
  readonly height: number
  /** Milliseconds that a frame is shown. */
  readonly frameTime: number
  /** In VP8, as they follow each other. */
  readonly frames: readonly Uint8Array[]
}

/**
 * Puts frames into a file that a player can seek in: WebM, a kind of Matroska (RFC 9559). Each frame has a cluster of its
 * own, and the index to them stands at the end, where most programs write it, since only there they know it.
 */
export function webm({ width, height, frameTime, frames }: Video): Buffer {
  const info = element(
    0x1549a966,
    element(0x2ad7b1, integer(1_000_000)), // the unit of times: a millisecond
    element(0x4489, double(frames.length * frameTime)),
    element(0x4d80, Buffer.from('test')),
    element(0x5741, Buffer.from('test')),
  )
  const video = element(0xe0, element(0xb0, integer(width)), element(0xba, integer(height)))
  const identity = [element(0xd7, integer(1)), element(0x73c5, integer(1)), element(0x83, integer(1))]
  const track = element(0xae, ...identity, element(0x86, Buffer.from('V_VP8')), video)
  const tracks = element(0x1654ae6b, track)
  const clusters = frames.map((frame, at) => {
    const time = at * frameTime
    // Of the first track, at the time of the cluster, and a key frame.
    const block = element(0xa3, Buffer.from([0x81, 0, 0, 0x80]), frame)
    return { time, bytes: element(0x1f43b675, element(0xe7, integer(time)), block) }
  })
  const seekHeadSize = seekHead(0).length
  const points: Buffer[] = []
  let position = seekHeadSize + info.length + tracks.length
  for (const { time, bytes } of clusters) {
    const place = element(0xb7, element(0xf7, integer(1)), element(0xf1, integer(position)))
    points.push(element(0xbb, element(0xb3, integer(time)), place))
    position += bytes.length
  }
  const cues = element(0x1c53bb6b, ...points)
  const header = element(
    0x1a45dfa3,
    element(0x4282, Buffer.from('webm')),
    element(0x4287, integer(4)),
    element(0x4285, integer(2)),
  )
  const body = [seekHead(position), info, tracks, ...clusters.map(({ bytes }) => bytes), cues]
  return Buffer.concat([header, element(0x18538067, ...body)])
}

/** Tells where the index is, from the beginning of what stands in the file; as long for every place. */
function seekHead(position: number): Buffer {
  const place = Buffer.alloc(8)
  place.writeBigUInt64BE(BigInt(position))
  return element(0x114d9b74, element(0x4dbb, element(0x53ab, idOf(0x1c53bb6b)), element(0x53ac, place)))
}

/** RFC 8794 section 5: what it is, how long it is, and what it holds. */
function element(id: number, ...parts: readonly Uint8Array[]): Buffer {
  const size = Buffer.alloc(8)
  size.writeBigUInt64BE(BigInt(parts.reduce((sum, { length }) => sum + length, 0)))
  size[0] = 0x01
  return Buffer.concat([idOf(id), size, ...parts])
}

/** An id tells of its length by itself. */
function idOf(id: number): Buffer {
  return Buffer.from(id.toString(16).padStart(2, '0'), 'hex')
}

function integer(value: number): Buffer {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes
}
