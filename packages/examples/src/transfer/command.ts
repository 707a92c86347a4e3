import { formatAddress } from '@fairlead/core'
import { Presets, SingleBar } from 'cli-progress'
import type { Command } from 'commander'

import { action, command, complain, port, seconds } from '../command.ts'
import { onInterrupt } from '../interrupt.ts'
import { formatSize } from '../size.ts'

export function sendCommand(): Command {
  return command('send', 'send a file to a "fairlead receive"')
    .argument('<file>', 'the file')
    .option('--host <host>', 'where it is received', '127.0.0.1')
    .option('--port <port>', 'the port there', port, 7410)
    .option('--wait <seconds>', 'how long to wait for a receiver that is not there', seconds, 30)
    .action(action('send', runSend))
}

async function runSend(path: string, flags: { host: string; port: number; wait: number }): Promise<void> {
  const { host, port, wait } = flags
  const bar = progressBar()
  let waiting = false
  const { send } = await import('./send.ts')
  const stored = await send({
    path,
    host,
    port,
    patience: wait * 1_000,
    waiting() {
      bar.stop()
      if (!waiting) console.log(`Waiting for a receiver at ${host}:${port} ...`)
      waiting = true
    },
    begun(size, have) {
      waiting = false
      if (have > 0) console.log(`Going on at ${formatSize(have)} of ${formatSize(size)}`)
      bar.start(size, have)
    },
    grown: (have) => bar.update(have),
  }).finally(() => bar.stop())
  console.log(`Sent ${path}; it is stored as ${stored}`)
}

export function receiveCommand(): Command {
  return command('receive', 'receive files from "fairlead send"')
    .option('--host <host>', 'address to listen on; 0.0.0.0 for the whole network', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 lets the system choose', port, 7410)
    .option('--folder <path>', 'where to put them; made if need be', './received')
    .option('--once', 'end after one file')
    .action(action('receive', runReceive))
}

type ReceiveFlags = { host: string; port: number; folder: string; once?: boolean }

async function runReceive({ once, ...flags }: ReceiveFlags): Promise<void> {
  const bar = progressBar()
  const { receive } = await import('./receive.ts')
  const listener = await receive({
    ...flags,
    begun(name, size, have) {
      const where = have > 0 ? `, going on at ${formatSize(have)}` : ''
      console.log(`Receiving ${name} (${formatSize(size)})${where}`)
      bar.start(size, have)
    },
    grown: (have) => bar.update(have),
    stored(name) {
      bar.stop()
      console.log(`Stored ${name}`)
      if (once) void listener.close()
    },
    failed(reason) {
      bar.stop()
      complain('receive', reason)
    },
  })
  onInterrupt(() => listener.close({ grace: 0 }))
  console.log(`Receiving into ${flags.folder} on ${formatAddress(listener.address)}`)
}

/** Seen on a terminal only. */
function progressBar(): SingleBar {
  const format = '{bar} {percentage} %, {value} of {total}, {eta_formatted} left'
  const formatValue = (value: number, _options: unknown, type: string): string =>
    type === 'value' || type === 'total' ? formatSize(value) : `${value}`
  return new SingleBar({ format, formatValue, clearOnComplete: true }, Presets.shades_classic)
}
