import { connect } from '@fairlead/udp'
import { bundle } from '@fairlead/udp/bundle'

import { message, sending } from '../sender.mjs'

const connection = bundle(await connect({ port: Number(process.env.BENCH_BUNDLE_SINK) }))
const write = (count) => {
  for (let left = count; left > 0; left--) connection.write(message)
}
sending(write, 1_000_000)
