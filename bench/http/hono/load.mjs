import { ask, request } from '../clients.mjs'

const lines = ['Accept: application/json', 'User-Agent: bench']
const sailor = JSON.stringify({ name: 'Anne' })

const requests = [
  request('GET', '/crew/7', lines),
  request('GET', '/crew?watch=2', lines),
  request('POST', '/crew', [...lines, 'Content-Type: application/json'], sailor),
  request('GET', '/', lines),
  request('GET', '/crew/11', lines),
  request('GET', '/whoami', lines),
]

/** An application's routes in turn, on 64 keep-alive connections. */
export const load = (port) => ask(port, requests, { connections: 64, requests: 23_040 })
