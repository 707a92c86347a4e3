import { request, transfer } from '../clients.mjs'

export { missing } from '../clients.mjs'

const mebibytes = 1_024
const head = request('GET', '/', ['Connection: close'])

/** What the server holds while 1 GiB passes is told, too. */
export const peak = true

/** One answer of 1 GiB, in MiB. */
export async function load(port) {
  const { seconds, came } = await transfer(port, head)
  if (came < mebibytes * 1024 ** 2) throw new Error(`only ${came} bytes came`)
  return { units: mebibytes, seconds }
}
