import { downloading } from '../../servers.mjs'

export { missing } from '../../servers.mjs'

const file = (name) => new URL(name, import.meta.url)

/** For the reader: undici's other way to a body, and `node:http`. */
export const others = { 'undici.request': file('undici.mjs'), 'node:http': file('node.mjs') }

/** What the client holds while 1 GiB passes is told, too. */
export const peak = true

export const load = downloading()
