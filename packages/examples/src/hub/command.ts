import { type Command, Option } from 'commander'

import { action, command, milliseconds, port, size } from '../command.ts'
import { onInterrupt } from '../interrupt.ts'
import type { Hub } from './hub.ts'

/** Milliseconds that downloads and uploads may take to finish once the hub is asked to stop. */
const grace = 3_000

interface HubFlags {
  port: number
  chatPort: number
  beaconPort: number
  folder: string
  maxUpload: number
  lan?: boolean
}

const maxUpload = new Option('--max-upload <size>', 'the largest file that is taken')
  .argParser(size)
  .default(10_000_000_000, '10GB')

export function hubCommand(): Command {
  return command('hub', 'open a chat room and a shared folder, for browsers and terminals')
    .option('--port <port>', 'port of the page; 0 lets the system choose', port, 7400)
    .option('--chat-port <port>', 'port of the chat for terminals', port, 7401)
    .option('--beacon-port <port>', 'UDP port that answers "fairlead find"', port, 7402)
    .option('--folder <path>', 'the folder to share; made if need be', './shared')
    .addOption(maxUpload)
    .option('--lan', 'open it to the network, for those who know the token that is printed')
    .action(action('hub', runHub))
}

async function runHub(flags: HubFlags): Promise<void> {
  // Each command loads what it needs when it runs: most of the time until one says something is loading.
  const { startHub } = await import('./hub.ts')
  const hub = await startHub({ ...flags, lan: flags.lan === true })
  onInterrupt(async () => {
    console.log('\nStopping ...')
    await hub.stop(grace)
  })
  console.log(greeting(hub))
}

/** How whoever started this starts the other commands. */
const fairlead = process.env['npm_lifecycle_event'] === 'start' ? 'npm run fairlead --' : 'fairlead'

function greeting({ page, chat, beacon, folder, token }: Hub): string {
  const elsewhere = beacon.port === 7402 ? '' : ` --port ${beacon.port}`
  return `The hub is open.

  Page    ${page}
  Chat    nc ${chat.host} ${chat.port}${token === undefined ? '' : `   (token ${token})`}
  Beacon  ${fairlead} find${token === undefined ? '' : ' --lan'}${elsewhere}
  Folder  ${folder}

Press Ctrl-C to stop.`
}

interface FindFlags {
  port: number
  timeout: number
  lan?: boolean
  json?: boolean
}

export function findCommand(): Command {
  return command('find', 'find hubs on this machine, or in its networks')
    .option('--port <port>', 'UDP port to ask', port, 7402)
    .option('--timeout <ms>', 'milliseconds to wait for answers', milliseconds, 1_000)
    .option('--lan', 'ask the networks of this machine, too')
    .option('--json', 'print the answers as JSON')
    .action(action('find', runFind))
}

async function runFind({ port, timeout, lan = false, json }: FindFlags): Promise<void> {
  const { findHubs } = await import('./find.ts')
  const hubs = await findHubs({ port, timeout, lan })
  if (hubs.length === 0) throw new Error(`no hub answered on port ${port}`)
  if (json) return console.log(JSON.stringify(hubs, undefined, 2))
  for (const { name, page, chat, lan: open } of hubs) {
    console.log(
      `${name}${open ? '' : ' (this machine only)'}\n  Page    ${page}\n  Chat    nc ${chat.replace(':', ' ')}`,
    )
  }
}
