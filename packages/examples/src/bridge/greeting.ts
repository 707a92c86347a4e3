import type { RunningBridge } from './bridge.ts'
import { isWeb, type Source } from './sides.ts'

const kinds: Readonly<Record<Source['scheme'], string>> = {
  ws: 'WebSockets',
  wss: 'WebSockets',
  tcp: 'TCP',
  tls: 'TLS',
  udp: 'UDP',
  unix: 'a Unix socket',
}

/** What is printed at the start: from where to where, and for whom. */
export function greeting({ settings, urls, pages, target, fingerprint }: RunningBridge): string {
  const { from, to, tls, loopback, origins } = settings
  const rows: string[] = []
  const list = (label: string, texts: readonly string[]): void => {
    for (const [at, text] of texts.entries()) rows.push(`  ${(at === 0 ? label : '').padEnd(9)} ${text}`)
  }
  list('Here', urls.slice(0, 1))
  list('Network', urls.slice(1))
  list('Page', pages)
  if (fingerprint !== undefined) {
    const made = 'a certificate made on the spot; others will ask whether it is right'
    list('TLS', [tls === 'made' ? made : 'your certificate', fingerprint.slice(0, 47), fingerprint.slice(48)])
  }
  const pagesToo =
    isWeb(from) && origins === undefined ? ', and so can every page they open; --origin names pages' : ''
  return [
    `Bridging ${kinds[from.scheme]} to ${'scheme' in to ? target : `what the tokens in ${to.path} name`}`,
    rows.join('\n'),
    ...(loopback ? [] : [`Whoever can reach this machine can use it${pagesToo}.`]),
    'Press Ctrl-C to stop.\n',
  ].join('\n\n')
}
