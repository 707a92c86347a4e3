import { ask } from '../clients.mjs'

const connections = 64
const requests = 500

export const units = connections * requests

/** 64 keep-alive connections, one request at a time on each. */
export const load = (port) => ask(port, { connections, requests, depth: 1 })
