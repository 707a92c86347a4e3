import { ask, request } from '../clients.mjs'

const lines = ['Accept: */*', 'User-Agent: bench', 'Content-Type: application/octet-stream']
const post = request('POST', '/', lines, 'x'.repeat(1_024))

/** 1 KiB, which comes back. */
export const load = (port) => ask(port, [post], { connections: 64, requests: 32_000 })
