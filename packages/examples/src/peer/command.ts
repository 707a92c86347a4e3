import { setTimeout } from 'node:timers/promises'

import { type Command, InvalidArgumentError } from 'commander'

import { action, command, port, within } from '../command.ts'
import { nickname } from '../hub/talk.ts'
import { onInterrupt } from '../interrupt.ts'
import { Conversation } from './conversation.ts'
import { describe, type PeerEvent } from './event.ts'
import { Terminal } from './terminal.ts'

/** Milliseconds that what is on its way may take once the peer is asked to leave. */
const grace = 2_000
/** Milliseconds after which most of those who are there are known. A script does not wait for them as a person does. */
const lookAround = 1_000

/** What `--help` ends with. */
const typed = `
What you type goes to all who are here, except:
  @NAME TEXT  goes to one
  /who        tells who is here
  /quit       leaves

A name has 1 to 20 letters, digits, _, - or . and no spaces.`

interface PeerFlags {
  name: string
  port: number
  discoveryPort?: number
  lifetime: number
  lan?: boolean
  json?: boolean
}

export function peerCommand(): Command {
  return command('peer', 'talk with others who run this, found without a server')
    .requiredOption('--name <name>', 'what others see', name)
    .option('--port <port>', 'UDP port for messages; 0 lets the system choose', port, 0)
    .option(
      '--discovery-port <port>',
      'UDP port at which peers find each other (default: 17996)',
      within(1, 65_535),
    )
    .option('--lifetime <seconds>', 'seconds after which others drop you if you crash', within(1, 3_600), 15)
    .option('--lan', 'talk with the network, not with this machine only')
    .option('--json', 'print what happens as lines of JSON')
    .addHelpText('after', typed)
    .action(action('peer', runPeer))
}

async function runPeer({ lifetime, lan = false, json = false, ...flags }: PeerFlags): Promise<void> {
  const terminal = new Terminal()
  const tell = (event: PeerEvent): void => {
    for (const line of json ? [JSON.stringify(event)] : describe(event)) terminal.print(line)
  }
  const { startPeer } = await import('./peer.ts')
  const peer = await startPeer({ ...flags, lifetime: lifetime * 1_000, lan, tell })
  onInterrupt(async () => {
    terminal.close()
    await peer.leave(grace)
  })
  const conversation = new Conversation(peer, tell)
  if (terminal.interactive) await conversation.obey('/help')
  else await setTimeout(lookAround)
  for await (const line of terminal.lines) {
    if (line.trim() === '/quit') return void process.emit('SIGINT')
    const done = conversation.obey(line)
    // Who types may go on; a script goes no faster than its messages.
    if (terminal.interactive) terminal.prompt()
    else await done
  }
  // Ctrl-D leaves. Where nobody sits, the peer goes on listening.
  if (terminal.interactive) process.emit('SIGINT')
}

function name(text: string): string {
  const taken = nickname(text)
  if (taken === undefined) throw new InvalidArgumentError('It takes 1 to 20 letters, digits, _, - or .')
  return taken
}
