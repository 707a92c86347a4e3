import { request, transfer } from '../clients.mjs'

export { missing } from '../clients.mjs'

const mebibytes = 1_024
const bytes = mebibytes * 1024 ** 2
const head = request('PUT', '/', ['Connection: close', `Content-Length: ${bytes}`])

/** What the server holds while 1 GiB passes is told, too. */
export const peak = true

/** One body of 1 GiB, in MiB. */
export async function load(port, ask) {
  const before = await ask('received')
  const { seconds } = await transfer(port, head, bytes)
  if ((await ask('received')) - before !== bytes) throw new Error('the body was not received whole')
  return { units: mebibytes, seconds }
}
