import { program } from '../program.mjs'

export { load } from '../sink.mjs'
export const peer = new URL('../send/peer.mjs', import.meta.url)
export const missing = program ? undefined : 'there is no compiler for the loop in C'
process.env.BENCH_PROGRAM = program
