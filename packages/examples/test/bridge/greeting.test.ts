import { expect, test } from 'vitest'

import { greeting } from '../../src/bridge/greeting.ts'
import { type BridgeFlags, settingsOf } from '../../src/bridge/settings.ts'

const vnc = 'tcp://localhost:5900'
const fingerprint = Array.from({ length: 32 }, () => 'AB').join(':')

function greet(from: string, to: string | undefined, flags: BridgeFlags = {}, facts: object = {}): string {
  const running = { urls: ['ws://127.0.0.1:8080/'], pages: [], target: to, fingerprint: undefined }
  const settings = settingsOf(from, to, flags)
  return greeting({ settings, ...running, ...facts, counts: () => expect.fail(), stop: () => expect.fail() })
}

test('from where to where', () => {
  expect(greet(':8080', vnc)).toBe(`Bridging WebSockets to ${vnc}

  Here      ws://127.0.0.1:8080/

Press Ctrl-C to stop.
`)
  expect(greet('udp://:53', 'ws://h/')).toMatch(/^Bridging UDP to ws:\/\/h\/\n/)
  expect(greet('unix:/x', 'ws://h/')).toMatch(/^Bridging a Unix socket to /)
  expect(greet(':8080', undefined, { tokens: 'my targets' })).toMatch(
    /^Bridging WebSockets to what the tokens in my targets name\n/,
  )
})

test('the page, the network and the certificate', () => {
  const facts = {
    urls: ['wss://a/', 'wss://b/', 'wss://c/'],
    pages: ['https://a/', 'https://b/'],
    fingerprint,
  }
  expect(greet(':8080', vnc, { web: '.', tls: true }, facts)).toContain(`
  Here      wss://a/
  Network   wss://b/
            wss://c/
  Page      https://a/
            https://b/
  TLS       a certificate made on the spot; others will ask whether it is right
            ${fingerprint.slice(0, 47)}
            ${fingerprint.slice(48)}
`)
  expect(greet(':8080', vnc, { cert: 'a', key: 'b' }, facts)).toContain('TLS       your certificate\n')
})

test('who opens it to the network is told what that means', () => {
  const pages = ', and so can every page they open; --origin names pages.'
  expect(greet(':8080', vnc)).not.toContain('Whoever')
  expect(greet(':8080', vnc, { lan: true })).toContain(`Whoever can reach this machine can use it${pages}\n`)
  const named = greet(':8080', vnc, { lan: true, origin: ['https://a.example'] })
  expect(named).toContain('Whoever can reach this machine can use it.\n')
  expect(greet('tcp://:1', 'ws://h/', { lan: true })).toContain(
    'Whoever can reach this machine can use it.\n',
  )
})
