import { type Command, Option } from 'commander'

import { action, command, within } from '../command.ts'
import { onInterrupt } from '../interrupt.ts'
import { reporterOf } from './reporter.ts'
import { type BridgeFlags, settingsOf } from './settings.ts'

/** Milliseconds in which both sides may say goodbye once the bridge is asked to stop. */
const grace = 2_000

const examples = `
One side is a WebSocket: ws://, wss:// or a bare port. The other is tcp://, tls://, udp:// or unix:/path.

Examples:
  fairlead bridge :8080 tcp://localhost:5900             browsers to a TCP service
  fairlead bridge :8080 localhost:5900 --web noVNC       the same, and the page for it
  fairlead bridge tcp://:5900 wss://example.com/vnc      programs that speak TCP to a WebSocket
  fairlead bridge :8080 udp://127.0.0.1:53               a datagram for each message
  fairlead bridge wss://:8443 unix:/run/app.sock --lan   for the network, encrypted
  fairlead bridge :8080 --tokens targets --allow private as websockify: ws://.../?token=NAME

With --tokens, a file with "NAME: HOST:PORT" in each line, or a folder of such files; they are read again when
they change. Targets are on the public Internet unless --allow names others: addresses, networks as
10.0.0.0/8, or loopback, private, public, unix, any. What it does not name is refused.
`

export function bridgeCommand(): Command {
  return command('bridge', 'join WebSockets with TCP, TLS, UDP or Unix sockets, either way round')
    .argument('<from>', 'where to wait')
    .argument('[to]', 'where to lead')
    .option('--tokens <path>', 'a target for each token, out of a file or a folder')
    .addOption(
      new Option('--token-in <place>', 'where a client says its token (default: "query")').choices([
        'query',
        'path',
      ]),
    )
    .option('--allow <addresses>', 'where tokens may lead; may be repeated', gather)
    .option('--web <dir>', 'serve this folder beside')
    .option('--origin <origin>', 'pages that may connect, or "any"; may be repeated', gather)
    .option('--path <path>', 'where WebSockets are taken (default: everywhere)')
    .option('--lan', 'open it to the network')
    .option('--host <address>', 'the address to listen on (default: "127.0.0.1")')
    .option('--tls', 'encrypt, with a certificate made on the spot')
    .option('--cert <file>', 'encrypt, with this certificate; read again when it changes')
    .option('--key <file>', 'its private key')
    .option('--ca <file>', 'authorities to believe where the target is encrypted')
    .option('--idle-timeout <seconds>', 'end what has been silent for so long', within(1, 86_400))
    .option('--json', 'print everything as lines of JSON')
    .addHelpText('after', examples)
    .action(action('bridge', runBridge))
}

async function runBridge(from: string, to: string | undefined, flags: BridgeFlags): Promise<void> {
  const settings = settingsOf(from, to, flags)
  const reporter = reporterOf(settings, flags.json === true)
  // The other commands begin sooner without it.
  const { openBridge } = await import('./bridge.ts')
  const bridge = await openBridge(settings, reporter)
  onInterrupt(async () => {
    reporter.stopping()
    await bridge.stop(grace)
    reporter.stopped()
  })
  reporter.started(bridge)
}

function gather(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}
