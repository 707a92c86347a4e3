import { describe, expect, test } from 'vitest'

import { type BridgeFlags, settingsOf } from '../../src/bridge/settings.ts'
import { IdentityFiles } from '../../src/certificate.ts'

const vnc = 'tcp://localhost:5900'
const settings = (flags: BridgeFlags = {}, from = ':8080', to: string | undefined = vnc) =>
  settingsOf(from, to, flags)
const byTokens = (flags: BridgeFlags = {}, from = ':8080') =>
  settingsOf(from, undefined, { tokens: 'targets', ...flags })

test('nobody but this machine can call it, unless somebody says so', () => {
  expect(settings()).toMatchObject({ host: '127.0.0.1', loopback: true })
  expect(settings({ lan: true })).toMatchObject({ host: '0.0.0.0', loopback: false })
  expect(settings({ host: '::' })).toMatchObject({ host: '::', loopback: false })
  expect(settings({}, '192.168.1.2:80')).toMatchObject({ host: '192.168.1.2', loopback: false })
  expect(settings({}, 'tcp://:80', 'ws://h')).toMatchObject({ host: '127.0.0.1', loopback: true })
  expect(settings({}, 'unix:/x', 'ws://h')).toMatchObject({ host: undefined, loopback: true })
})

test('TLS is asked for by an option, or by the scheme', () => {
  expect(settings().tls).toBeUndefined()
  expect(settings({ tls: true }).tls).toBe('made')
  expect(settings({}, 'wss://:8443').tls).toBe('made')
  expect(settings({}, 'tls://:5901', 'ws://h').tls).toBe('made')
  expect(settings({ cert: 'a', key: 'b' }, 'wss://:8443').tls).toEqual(new IdentityFiles('a', 'b'))
})

test('WebSockets are taken at one path, or at each', () => {
  expect(settings().path).toBeUndefined()
  expect(settings({ path: '/vnc' }).path).toBe('/vnc')
  expect(settings({}, 'ws://:8080/vnc').path).toBe('/vnc')
})

test('tokens choose from a file or a folder, public targets if nobody says more', () => {
  expect(byTokens().to).toEqual({ path: 'targets', place: 'query', allow: 'public' })
  expect(byTokens({ tokenIn: 'path' }).to).toMatchObject({ place: 'path' })
  expect(byTokens({ allow: ['10.0.0.0/8', '192.168.1.9,unix'] }).to).toMatchObject({
    allow: ['10.0.0.0/8', '192.168.1.9', 'unix'],
  })
  expect(byTokens({ allow: ['loopback, public'] }).to).toMatchObject({
    allow: ['127.0.0.0/8', '::1', 'public'],
  })
  expect(byTokens({ allow: ['private'] }).to).toMatchObject({
    allow: expect.arrayContaining(['10.0.0.0/8', 'fc00::/7']) as string[],
  })
  expect(byTokens({ allow: ['any'] }).to).toMatchObject({ allow: 'any' })
})

test('times are seconds, and pages can be named or all let in', () => {
  expect(settings().idleTimeout).toBeUndefined()
  expect(settings({ idleTimeout: 90 }).idleTimeout).toBe(90_000)
  expect(settings().origins).toBeUndefined()
  expect(settings({ origin: ['https://a.example', 'https://b.example'] }).origins).toHaveLength(2)
  expect(settings({ origin: ['any'] }).origins).toBe('any')
})

describe('what does not go together is refused', () => {
  const refused: [() => unknown, string][] = [
    [() => settingsOf(':8080', undefined, {}), 'Cannot bridge :8080 to nothing: give a target, as '],
    [() => settings({ tokens: 'x' }), 'A target and --tokens say two things: give one of them'],
    [() => settings({ tokenIn: 'path' }), '--token-in means nothing without --tokens'],
    [() => settings({ allow: ['10.0.0.1'] }), '--allow means nothing without --tokens'],
    [() => byTokens({ allow: ['any', '10.0.0.1'] }), '--allow any and other addresses say two things'],
    [() => byTokens({ allow: [','] }), '--allow names no address'],
    [() => settings({ lan: true, host: '::' }), '--lan and --host say two things'],
    [() => settings({ lan: true }, '127.0.0.1:80'), '127.0.0.1:80 and --lan say two things'],
    [() => settings({ host: '::1' }, 'ws://h:80'), 'ws://h:80 and --host say two things'],
    [() => settings({ lan: true }, 'unix:/x', 'ws://h'), '--lan means nothing for a Unix socket'],
    [() => settings({ path: '/a' }, 'ws://:80/a'), 'ws://:80/a and --path say two things'],
    [() => settings({ path: 'a' }), 'Cannot take WebSockets at a: a path begins with a slash'],
    [() => settings({ path: '/a?b' }), 'Cannot take WebSockets at /a?b: '],
    [() => settings({ cert: 'a' }), '--cert and --key go together'],
    [() => settings({ tls: true }, 'udp://:53', 'ws://h'), '--tls means nothing for udp'],
    [() => settings({ ca: 'x' }), '--ca means nothing where the target is not encrypted'],
    [() => byTokens({}, 'tcp://:1'), '--tokens means nothing where the clients are no WebSockets'],
    [() => settings({ web: '.' }, 'tcp://:1', 'ws://h'), '--web means nothing where the clients are no '],
    [() => settings({ path: '/' }, 'udp://:1', 'ws://h'), '--path means nothing where the clients are no '],
    [() => settings({ origin: ['x'] }, 'unix:/x', 'ws://h'), '--origin means nothing where the clients are '],
    [() => settings({}, ':1', 'ws://h'), 'Cannot bridge a WebSocket to a WebSocket'],
    [() => settings({}, 'tcp://:1', 'udp://h:1'), 'Cannot bridge tcp to udp'],
    [() => settings({}, ':1', 'gopher://h:1'), 'Cannot bridge gopher://h:1: the scheme is none of '],
  ]
  test.each(refused)('%#', (read, why) => expect(read).toThrow(why))
})
