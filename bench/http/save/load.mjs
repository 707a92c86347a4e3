import * as clients from '../clients.mjs'
import * as temporary from '../temporary.mjs'

const mebibytes = 1_024
const bytes = mebibytes * 1024 ** 2
const head = clients.request('PUT', '/', ['Connection: close', `Content-Length: ${bytes}`])

export const missing = clients.missing ?? temporary.missing

/** What the server holds while 1 GiB passes is told, too. */
export const peak = true

if (!missing) temporary.folder()

/** One body of 1 GiB, in MiB, answered when it is a file. There is none to be replaced, so that nobody pays for it. */
export async function load(port, ask) {
  const { seconds } = await clients.transfer(port, head, bytes)
  if ((await ask('take')) !== bytes) throw new Error('the body was not saved whole')
  return { units: mebibytes, seconds }
}
