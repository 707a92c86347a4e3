import { bun } from '../bun.mjs'

export { load } from '../hello/load.mjs'

export const servers = new URL('../hello/', import.meta.url)
export const { missing } = bun

/** The same as `hello`, held against Bun. */
export const peer = { file: new URL('bun.mjs', servers), execPath: bun.path }
