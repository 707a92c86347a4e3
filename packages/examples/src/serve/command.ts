import { type Command, InvalidArgumentError, Option } from 'commander'

import { action, command, port, size } from '../command.ts'
import { onInterrupt } from '../interrupt.ts'
import { calmLine, commonLine, type LogEntry } from './entry.ts'
import { greeting } from './greeting.ts'
import { assetsPath } from './paths.ts'
import { type ServeFlags, settingsOf } from './settings.ts'

/** Milliseconds that downloads and uploads may take to finish once the server is asked to stop. */
const grace = 3_000

const examples = `
Examples:
  fairlead serve                                this folder, for this machine
  fairlead serve ~/photos --lan                 for the phone: scan the code that is printed
  fairlead serve --lan --upload --tls           take files from others, encrypted
  fairlead serve dist --spa --compress          a built application of one page
  FAIRLEAD_AUTH=ann:secret fairlead serve --lan --upload

With --upload:
  curl -T film.mkv http://127.0.0.1:8080/       store it under its name
  curl -F file=@a.txt -F file=@b.txt http://127.0.0.1:8080/
`

export function serveCommand(): Command {
  return command('serve', 'serve a folder: a listing, downloads, and uploads if you like')
    .argument('[dir]', 'the folder', '.')
    .option('--lan', 'open it to the network')
    .option('--host <address>', 'the address to listen on (default: "127.0.0.1")')
    .option('--port <port>', 'the port; 0 lets the system choose (default: 8080, or the next free one)', port)
    .option('--upload', 'take files: by dropping them on the page, by PUT and by POST')
    .option('--overwrite', 'let an upload replace a file of the same name')
    .addOption(
      new Option('--max-upload <size>', 'the largest file that is taken')
        .argParser(size)
        .default(10_000_000_000, '10GB'),
    )
    .addOption(new Option('--auth <user:password>', 'ask for a password').env('FAIRLEAD_AUTH'))
    .option('--auth-file <file>', 'the same out of a file, with one user:password a line')
    .option('--tls', 'encrypt, with a certificate made on the spot')
    .option('--cert <file>', 'encrypt, with this certificate; read again when it changes')
    .option('--key <file>', 'its private key')
    .option('--spa', 'answer paths without a file with index.html')
    .option('--no-listing', 'list no folders')
    .option('--dotfiles', 'serve names that begin with a dot, too')
    .option('--cors', 'let pages of other sites read')
    .option('--cache <seconds>', 'let browsers keep files so long without asking', seconds)
    .option('--compress', 'compress answers, and use the .br, .zst and .gz files that are there')
    .addOption(
      new Option('--log <style>', 'how answers are told of')
        .choices(['line', 'common', 'none'])
        .default('line'),
    )
    .option('--json', 'print everything as lines of JSON')
    .option('--no-qr', 'draw no code for phones')
    .addHelpText('after', examples)
    .action(action('serve', runServe))
}

async function runServe(folder: string, flags: ServeFlags): Promise<void> {
  // Where a password stands on the command line, other users of the machine see it no longer than this.
  if (flags.auth !== undefined) process.title = 'fairlead serve'
  const settings = await settingsOf(folder, flags)
  const print = flags.json ? printJson : printerOf(flags)
  // The other commands begin sooner without it.
  const { serveFolder } = await import('./server.ts')
  const server = await serveFolder(settings, {
    answered: (entry) => print('answer', entry),
    certificate: (fingerprint) => print('certificate', { fingerprint }),
    trouble: (text) => print('trouble', { text }),
  })
  onInterrupt(async () => {
    print('stop', {})
    await server.stop(grace)
  })
  if (flags.json) {
    const { folder, port, places, fingerprint } = server
    const { upload, users } = settings
    const urls = [...new Set([places.here, ...places.network])]
    printJson('listen', { folder, port, urls, upload, users: users?.names, fingerprint })
  } else {
    console.log(greeting(server, settings, { qr: flags.qr && process.stdout.isTTY }))
  }
}

interface Events {
  answer: LogEntry
  certificate: { fingerprint: string }
  trouble: { text: string }
  stop: object
}

type Print = <Name extends keyof Events>(name: Name, facts: Events[Name]) => void

function printJson(event: string, facts: object): void {
  const known: Partial<LogEntry> = facts
  const time = (known.time ?? new Date()).toISOString()
  const rounded = known.duration === undefined ? {} : { duration: Math.round(known.duration * 10) / 10 }
  const told = event === 'answer' && known.status === undefined ? 'cut' : event
  console.log(JSON.stringify({ event: told, ...facts, time, ...rounded }))
}

function printerOf({ log }: ServeFlags): Print {
  const printers: { [Name in keyof Events]: (facts: Events[Name]) => void } = {
    answer(entry) {
      if (log === 'common') console.log(commonLine(entry))
      // What a listing consists of beside itself is nothing that anybody looks for.
      if (log === 'line' && !entry.target.startsWith(assetsPath)) console.log(calmLine(entry))
    },
    certificate: ({ fingerprint }) => console.log(`The certificate is a new one: ${fingerprint}`),
    trouble: ({ text }) => console.error(`fairlead serve: ${text}`),
    stop: () => console.log('\nStopping ...'),
  }
  return (name, facts) => printers[name](facts)
}

/** Argument of an option: seconds, up to ten years. */
function seconds(text: string): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Infinity
  if (number > 315_360_000)
    throw new InvalidArgumentError('It takes a whole number of seconds, up to ten years.')
  return number
}
