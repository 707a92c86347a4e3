import { createInterface } from 'node:readline/promises'

import { formatAddress, type Listener, shutdown } from '@fairlead/core'
import { type Command, InvalidArgumentError } from 'commander'

import { action, command, complain, milliseconds, port } from '../command.ts'
import { onInterrupt } from '../interrupt.ts'
import type { Visitor } from './board.ts'
import type { Handlers } from './protocol.ts'
import type { TransportName } from './transports.ts'

const examples = `
Methods of a board:
  get {"name"}           the value under a name; null if there is none
  set {"name","value"}   puts it there; null takes it down
  watch                  prints what is there and what changes, until Ctrl-C or the timeout
  clear                  takes everything down, if it is confirmed

Examples:
  fairlead rpc serve
  fairlead rpc call ws://127.0.0.1:7070 set '{"name":"build","value":"green"}'
  fairlead rpc call udp://127.0.0.1:7071 get '{"name":"build"}' --timeout 1000
  fairlead rpc call tcp://127.0.0.1:7071 watch --timeout 0
`

/** Whatever a server may have: what is typed is not checked here. */
type Anything = Record<string, (params: object) => unknown>

export function rpcCommand(): Command {
  const rpc = command('rpc', 'a board for values, and calls of it: JSON-RPC over WebSocket, TCP and UDP')
  rpc
    .command('serve')
    .description('have a board, at each port that is given; at 7070 to 7072 if there is none')
    .option('--ws <port>', 'WebSocket; 0 lets the system choose', port)
    .option('--tcp <port>', 'TCP, each message behind its length in four bytes', port)
    .option('--udp <port>', 'UDP, each message in a datagram', port)
    .option('--lsp <port>', 'TCP, each message behind a Content-Length, as language servers have it', port)
    .action(action('rpc', runServe))
  rpc
    .command('call')
    .description('call get, set, watch or clear of a board, or any method of another server')
    .argument('<url>', 'ws://, wss://, tcp:// or udp://host:port')
    .argument('<method>')
    .argument('[params]', 'an object of JSON', object, {})
    .option('--timeout <milliseconds>', 'how long to wait for the answer; 0 for ever', milliseconds, 30_000)
    .option('--yes', 'confirm what is asked')
    .action(action('rpc', runCall))
  return rpc.addHelpText('after', examples)
}

async function runServe(given: { [Name in TransportName]?: number }): Promise<void> {
  const { board } = await import('./board.ts')
  const { Peer } = await import('./peer.ts')
  const { transports } = await import('./transports.ts')
  const handlers = board()
  const ports = Object.keys(given).length > 0 ? given : { ws: 7070, tcp: 7071, udp: 7071, lsp: 7072 }
  const listeners: Listener<unknown>[] = []
  onInterrupt(() => shutdown(listeners, { grace: 1_000 }))
  for (const [name, port] of Object.entries(ports)) {
    const listener = await transports[name as TransportName](port, (connection) => {
      void new Peer(connection, handlers, (error) => complain('rpc', error))
    })
    listeners.push(listener)
    console.log(`A board at ${name}://${formatAddress(listener.address)}`)
  }
  console.log('Press Ctrl-C to stop.')
}

async function runCall(
  url: string,
  method: string,
  params: object,
  { timeout, yes = false }: { timeout: number; yes?: boolean },
): Promise<void> {
  const { Peer } = await import('./peer.ts')
  const { connect } = await import('./transports.ts')
  const interrupted = new AbortController()
  const { signal } = interrupted
  // Nobody reads any more.
  process.stdout.on('error', () => process.emit('SIGINT'))
  // The call ends the program when it is given up; or, if that takes too long, the next Ctrl-C does.
  onInterrupt(() => new Promise(() => interrupted.abort(new Error('cancelled'))))
  try {
    const connection = await connect(url, signal)
    try {
      const peer = new Peer<Anything>(connection, visitor(yes))
      console.log(JSON.stringify(await peer.call(method, params, { signal, timeout })))
    } finally {
      await connection.close({ grace: 500 })
    }
  } catch (error) {
    const { message, code } = error as Error & { code?: unknown }
    complain('rpc', printable(typeof code === 'number' ? `${message} (${code})` : message))
    process.exit(signal.aborted ? 130 : 1)
  }
}

function visitor(yes: boolean): Handlers<Visitor, Anything> {
  return {
    changed: (params) => console.log(JSON.stringify(params)),
    async confirm({ question }, { signal }) {
      if (yes || !process.stdin.isTTY) return yes
      const terminal = createInterface({ input: process.stdin, output: process.stderr })
      terminal.on('SIGINT', () => process.stderr.write('\n') && process.emit('SIGINT'))
      try {
        return /^y/i.test(await terminal.question(`${printable(question)} [y/N] `, { signal }))
      } finally {
        terminal.close()
      }
    },
  }
}

/** Without what would move the cursor. */
function printable(text: unknown): string {
  return String(text).replaceAll(/\p{Cc}/gu, ' ')
}

function object(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {}
  throw new InvalidArgumentError('It takes an object of JSON, such as {"name":"build"}.')
}
