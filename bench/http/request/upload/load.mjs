import { uploading } from '../../servers.mjs'

export { missing } from '../../servers.mjs'

/** For the reader. */
export const others = { 'node:http': new URL('node.mjs', import.meta.url) }

/** What the client holds while 1 GiB passes is told, too. */
export const peak = true

export const load = uploading()
