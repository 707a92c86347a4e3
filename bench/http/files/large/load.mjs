import * as clients from '../../clients.mjs'
import { nginx } from '../../nginx.mjs'
import * as temporary from '../../temporary.mjs'
import { makeLarge } from '../content.mjs'

const mebibytes = 1_024
const head = clients.request('GET', '/large.bin', ['Connection: close'])

export const missing = clients.missing ?? temporary.missing

/** For the reader: the system sends the file itself, and no byte of it comes to nginx. */
export const others = nginx ? { nginx: new URL('../nginx.mjs', import.meta.url) } : {}

export const servers = new URL('../small/', import.meta.url)

/** What the server holds while 1 GiB passes is told, too. */
export const peak = true

if (!missing) makeLarge(mebibytes)

/** One file of 1 GiB, in MiB. */
export async function load(port) {
  const { seconds, came } = await clients.transfer(port, head)
  if (came < mebibytes * 1024 ** 2) throw new Error(`only ${came} bytes came`)
  return { units: mebibytes, seconds }
}
