import { formatAddress, ipAddress } from '@fairlead/core'
import * as tcp from '@fairlead/tcp'
import { describe, expect, test } from 'vitest'

import { Fields } from '../../src/codec/index.ts'
import type { HttpListenOptions } from '../../src/index.ts'
import { clientsOf, proxyMatcher, type TrustProxyOptions } from '../../src/server/client-facts.ts'
import type { Exchange } from '../../src/server/exchange.ts'
import { client, head, ways } from './ways.ts'

const proxies = ['10.0.0.0/8', '2001:db8:ffff::/48', '192.0.2.200-192.0.2.210']

interface Seen {
  peer?: string
  secure?: boolean
  from?: tcp.AddressList
}

/** Who asks, as one line, by these fields of a request to `origin.example`. */
function told(fields: TrustProxyOptions['fields'], lines: readonly string[], seen: Seen = {}): string {
  const { peer = '10.0.0.1', secure = false, from = proxies } = seen
  const raw = lines.flatMap((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const options = { trustProxy: { from, fields } }
  const clientOf = clientsOf({ ...options, ...proxyMatcher(options, tcp.addressMatcher) })
  const { address, protocol, host } = clientOf({
    remoteAddress: ipAddress(peer, 4000),
    tls: secure ? {} : undefined,
    request: { authority: 'origin.example', headers: new Fields(raw) },
  } as unknown as Exchange)
  return `${formatAddress(address)} ${protocol} ${host}`
}

/** What is said when no field is believed. */
const peerOnly = '10.0.0.1:4000 http origin.example'

type Row = [what: string, lines: string[], told: string, seen?: Seen]

const standard: Row[] = [
  // Who may say anything at all.
  ['nothing is told', [], peerOnly],
  ['a proxy is believed', ['Forwarded: for=198.51.100.7'], '198.51.100.7:0 http origin.example'],
  [
    'a client that is no proxy is not',
    ['Forwarded: for=10.0.0.9;proto=https;host=admin.example'],
    '198.51.100.66:4000 http origin.example',
    { peer: '198.51.100.66' },
  ],
  [
    'nor one whose address only begins like a proxy’s',
    ['Forwarded: for=1.2.3.4'],
    '100.0.0.1:4000 http origin.example',
    { peer: '100.0.0.1' },
  ],
  [
    'a proxy that comes as an IPv4-mapped address is one',
    ['Forwarded: for=198.51.100.7'],
    '198.51.100.7:0 http origin.example',
    { peer: '::ffff:10.0.0.1' },
  ],
  [
    'a proxy of IPv6',
    ['Forwarded: for=198.51.100.7'],
    '198.51.100.7:0 http origin.example',
    { peer: '2001:db8:ffff::1' },
  ],
  [
    'X-Forwarded-For beside it is the client’s',
    ['X-Forwarded-For: 1.2.3.4', 'X-Forwarded-Proto: https'],
    peerOnly,
  ],
  ['a name with an underscore is another', ['X_Forwarded: for=1.2.3.4', 'Forwarded_: for=1.2.3.4'], peerOnly],

  // The walk.
  [
    'what the client wrote before its proxy did is ignored',
    ['Forwarded: for=1.2.3.4;proto=https;host=evil.example, for=198.51.100.7'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'also on a line of its own',
    ['Forwarded: for=1.2.3.4;host=evil.example', 'Forwarded: for=198.51.100.7'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'also when it claims to be a proxy',
    ['Forwarded: for=1.2.3.4, for=10.9.9.9, for=198.51.100.7'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'two proxies',
    ['Forwarded: for=1.2.3.4, for=198.51.100.7;proto=https;host=shop.example, for=10.0.0.2;proto=http'],
    '198.51.100.7:0 https shop.example',
  ],
  [
    'two proxies, each with its own line',
    ['Forwarded: for=198.51.100.7;proto=https', 'forwarded: for=10.0.0.2'],
    '198.51.100.7:0 https origin.example',
  ],
  [
    'a word of the inner proxy stands where the outer one is silent',
    ['Forwarded: for=198.51.100.7, for=10.0.0.2;proto=https;host=shop.example'],
    '198.51.100.7:0 https shop.example',
  ],
  [
    'proto and host of a hop that is not trusted are ignored',
    ['Forwarded: proto=https;host=evil.example, for=198.51.100.7;proto=http'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'all of them proxies: the last of them asks',
    ['Forwarded: for=10.0.0.3, for=10.0.0.2'],
    '10.0.0.3:0 http origin.example',
  ],
  [
    'a range of proxies ends where it ends',
    ['Forwarded: for=1.2.3.4, for=192.0.2.211, for=192.0.2.210'],
    '192.0.2.211:0 http origin.example',
  ],
  [
    'a proxy told as an IPv4-mapped address is one',
    ['Forwarded: for=198.51.100.7, for="[::ffff:10.0.0.2]"'],
    '198.51.100.7:0 http origin.example',
  ],

  // Syntax, as proxies write it.
  [
    'case does not matter',
    ['FORWARDED: FOR=198.51.100.7;Proto=HTTPS;hOsT=Shop.Example'],
    '198.51.100.7:0 https Shop.Example',
  ],
  [
    'IPv6 in brackets, and a port',
    ['Forwarded: for="[2001:db8::7]:4711"'],
    '[2001:db8::7]:4711 http origin.example',
  ],
  ['IPv6 in its canonical form', ['Forwarded: for="[2001:DB8:0::7]"'], '[2001:db8::7]:0 http origin.example'],
  ['IPv4 and a port', ['Forwarded: for="198.51.100.7:8080"'], '198.51.100.7:8080 http origin.example'],
  ['a hidden port', ['Forwarded: for="198.51.100.7:_web"'], '198.51.100.7:0 http origin.example'],
  [
    'quotes that are not needed',
    ['Forwarded: for="198.51.100.7";proto="https"'],
    '198.51.100.7:0 https origin.example',
  ],
  [
    'quoted pairs',
    ['Forwarded: for="198.51\\.100.7";proto="\\h\\ttps"'],
    '198.51.100.7:0 https origin.example',
  ],
  [
    'white space behind a semicolon',
    ['Forwarded: for=198.51.100.7; proto=https ;\tby=203.0.113.43'],
    '198.51.100.7:0 https origin.example',
  ],
  [
    'parameters that nobody knows',
    ['Forwarded: for=198.51.100.7;secret=x;by=_me'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'empty parameters',
    ['Forwarded: ;;for=198.51.100.7;;proto=https;'],
    '198.51.100.7:0 https origin.example',
  ],
  [
    'empty elements',
    ['Forwarded: , for=198.51.100.7, ,', 'Forwarded: '],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'a comma in quotes',
    ['Forwarded: for=198.51.100.7;ext="a, for=1.2.3.4"'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'a quotation mark in quotes',
    ['Forwarded: for=198.51.100.7;ext="a\\", for=1.2.3.4"'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'a backslash before the closing mark',
    ['Forwarded: for=1.2.3.4;x="\\\\", for=198.51.100.7;x="\\\\"'],
    '198.51.100.7:0 http origin.example',
  ],

  // Clients without a name.
  [
    'unknown: the proxy stands for it, and tells the rest',
    ['Forwarded: for=1.2.3.4, for=unknown;proto=https;host=shop.example'],
    '10.0.0.1:4000 https shop.example',
  ],
  ['UNKNOWN', ['Forwarded: for=1.2.3.4, for=UNKNOWN'], peerOnly],
  ['a hidden name', ['Forwarded: for=1.2.3.4, for=_gazonk'], peerOnly],
  ['a hidden name and port', ['Forwarded: for=1.2.3.4, for="_SEVKISEK:_p.-"'], peerOnly],
  ['none', ['Forwarded: for=1.2.3.4, proto=https;by=203.0.113.43'], '10.0.0.1:4000 https origin.example'],
  [
    'a hidden hop between proxies ends the walk there',
    ['Forwarded: for=1.2.3.4, for=_hidden, for=10.0.0.2'],
    '10.0.0.2:0 http origin.example',
  ],

  // Attempts at what the proxy appends.
  [
    'an open quotation mark before what the proxy appends',
    ['Forwarded: for=1.2.3.4;x=", for=198.51.100.7;proto=https'],
    '198.51.100.7:0 https origin.example',
  ],
  [
    'one that would close at the proxy’s own',
    ['Forwarded: for=1.2.3.4;x=", for="[2001:db8::7]";proto=https'],
    '[2001:db8::7]:0 https origin.example',
  ],
  [
    'one with a backslash at its end',
    ['Forwarded: for=1.2.3.4;x="\\, for="[2001:db8::7]"'],
    '[2001:db8::7]:0 http origin.example',
  ],
  ['a backslash alone', ['Forwarded: for=1.2.3.4\\, for=198.51.100.7'], '198.51.100.7:0 http origin.example'],
  [
    'an open quotation mark on an earlier line',
    ['Forwarded: for="', 'Forwarded: for=198.51.100.7'],
    '198.51.100.7:0 http origin.example',
  ],
  ['garbage before a proxy’s word', ['Forwarded: @@@, for=10.0.0.2'], '10.0.0.2:0 http origin.example'],

  // Broken elements end the walk, and nothing in them is believed.
  ['a parameter given twice', ['Forwarded: for=198.51.100.7;for=1.2.3.4;proto=https'], peerOnly],
  ['given twice in other case', ['Forwarded: for=198.51.100.7;For=1.2.3.4'], peerOnly],
  [
    'a host that a careless proxy repeats without escaping it',
    ['Forwarded: for=198.51.100.7;host="a";for=10.0.0.9;x=""'],
    peerOnly,
  ],
  ['proto given twice', ['Forwarded: for=198.51.100.7;proto=https;proto=http'], peerOnly],
  ['an address with a port and no quotes', ['Forwarded: for=198.51.100.7:80;proto=https'], peerOnly],
  ['IPv6 without quotes', ['Forwarded: for=[2001:db8::7];proto=https'], peerOnly],
  ['IPv6 without brackets', ['Forwarded: for="2001:db8::7";proto=https'], peerOnly],
  ['IPv4 in brackets', ['Forwarded: for="[198.51.100.7]"'], peerOnly],
  ['a zone', ['Forwarded: for="[fe80::1%eth0]"'], peerOnly],
  ['octal numbers', ['Forwarded: for=0198.051.100.7'], peerOnly],
  ['hexadecimal numbers', ['Forwarded: for=0x7f000001'], peerOnly],
  ['three numbers', ['Forwarded: for=198.51.100'], peerOnly],
  ['five numbers', ['Forwarded: for=198.51.100.7.1'], peerOnly],
  ['a number too large', ['Forwarded: for=198.51.100.256'], peerOnly],
  ['a port too large', ['Forwarded: for="198.51.100.7:65536"'], peerOnly],
  ['a port of six digits', ['Forwarded: for="198.51.100.7:000080"'], peerOnly],
  ['no port after the colon', ['Forwarded: for="198.51.100.7:"'], peerOnly],
  ['a name', ['Forwarded: for=client.example'], peerOnly],
  ['a name that begins with a proxy’s address', ['Forwarded: for=10.0.0.2.evil.example'], peerOnly],
  ['an address and white space in quotes', ['Forwarded: for=" 198.51.100.7"'], peerOnly],
  ['nothing in quotes', ['Forwarded: for=""'], peerOnly],
  ['no value', ['Forwarded: for='], peerOnly],
  ['no sign of equality', ['Forwarded: for'], peerOnly],
  ['white space about the sign of equality', ['Forwarded: for = 198.51.100.7'], peerOnly],
  ['text after a quoted string', ['Forwarded: for="198.51.100.7"x;proto=https'], peerOnly],
  ['an address alone', ['Forwarded: 198.51.100.7'], peerOnly],
  ['a quotation mark that does not close', ['Forwarded: for="198.51.100.7'], peerOnly],
  ['a closing quotation mark alone', ['Forwarded: for=198.51.100.7"'], peerOnly],
  [
    '__proto__ is a parameter like any other',
    ['Forwarded: __proto__=x;constructor=y;for=198.51.100.7'],
    '198.51.100.7:0 http origin.example',
  ],

  // Values.
  [
    'a host with a port',
    ['Forwarded: for=198.51.100.7;host="shop.example:8443"'],
    '198.51.100.7:0 http shop.example:8443',
  ],
  [
    'a host of IPv6',
    ['Forwarded: for=198.51.100.7;host="[2001:db8::5]:80"'],
    '198.51.100.7:0 http [2001:db8::5]:80',
  ],
  [
    'a host that is none',
    ['Forwarded: for=198.51.100.7;host="evil.example/path"'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'a host with user information',
    ['Forwarded: for=198.51.100.7;host="a@evil.example"'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'a host with white space',
    ['Forwarded: for=198.51.100.7;host="evil.example x"'],
    '198.51.100.7:0 http origin.example',
  ],
  ['an empty host', ['Forwarded: for=198.51.100.7;host=""'], '198.51.100.7:0 http origin.example'],
  [
    'only a port for a host',
    ['Forwarded: for=198.51.100.7;host=":80"'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'another protocol',
    ['Forwarded: for=198.51.100.7;proto=javascript'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'the protocol of a WebSocket',
    ['Forwarded: for=198.51.100.7;proto=wss'],
    '198.51.100.7:0 https origin.example',
  ],
  [
    'TLS to the proxy alone is not TLS to the server',
    ['Forwarded: for=198.51.100.7;proto=http'],
    '198.51.100.7:0 http origin.example',
    { secure: true },
  ],
  [
    'TLS to the server, and nothing told of it',
    ['Forwarded: for=198.51.100.7'],
    '198.51.100.7:0 https origin.example',
    { secure: true },
  ],
]

const customary: Row[] = [
  ['nothing is told', [], peerOnly],
  ['a proxy is believed', ['X-Forwarded-For: 198.51.100.7'], '198.51.100.7:0 http origin.example'],
  [
    'all three fields',
    ['x-forwarded-for: 198.51.100.7', 'x-forwarded-proto: https', 'x-forwarded-host: shop.example'],
    '198.51.100.7:0 https shop.example',
  ],
  [
    'a client that is no proxy is not believed',
    ['X-Forwarded-For: 10.0.0.9', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.example'],
    '198.51.100.66:4000 http origin.example',
    { peer: '198.51.100.66' },
  ],
  ['Forwarded beside it is the client’s', ['Forwarded: for=1.2.3.4;proto=https;host=evil.example'], peerOnly],
  ['a name with underscores is another', ['X_Forwarded_For: 1.2.3.4'], peerOnly],
  [
    'other customs are not known',
    ['X-Real-IP: 1.2.3.4', 'X-Client-IP: 1.2.3.4', 'X-Forwarded-Port: 1'],
    peerOnly,
  ],
  [
    'the client’s own entries are ignored',
    ['X-Forwarded-For: 127.0.0.1, 198.51.100.7'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'also on a line of its own',
    ['X-Forwarded-For: 127.0.0.1', 'X-Forwarded-For: 198.51.100.7'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'also when they claim to be proxies',
    ['X-Forwarded-For: 1.2.3.4, 10.0.0.9, 198.51.100.7, 10.0.0.2'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'without spaces',
    ['X-Forwarded-For: 127.0.0.1,198.51.100.7,10.0.0.2'],
    '198.51.100.7:0 http origin.example',
  ],
  ['IPv6 without brackets', ['X-Forwarded-For: 1.2.3.4, 2001:db8::7'], '[2001:db8::7]:0 http origin.example'],
  [
    'IPv6 in brackets, and a port',
    ['X-Forwarded-For: [2001:db8::7]:4711'],
    '[2001:db8::7]:4711 http origin.example',
  ],
  ['IPv4 and a port', ['X-Forwarded-For: 198.51.100.7:4711'], '198.51.100.7:4711 http origin.example'],
  ['unknown', ['X-Forwarded-For: 1.2.3.4, unknown'], peerOnly],
  ['a name ends the walk', ['X-Forwarded-For: 1.2.3.4, localhost'], peerOnly],
  ['quotes are no part of it', ['X-Forwarded-For: "198.51.100.7"'], peerOnly],
  [
    'an open quotation mark from the client',
    ['X-Forwarded-For: ", 198.51.100.7'],
    '198.51.100.7:0 http origin.example',
  ],
  ['a scope', ['X-Forwarded-For: fe80::1%eth0'], peerOnly],
  ['markup', ['X-Forwarded-For: <script>'], peerOnly],
  ['octal numbers', ['X-Forwarded-For: 010.0.0.2'], peerOnly],
  ['an empty last entry', ['X-Forwarded-For: 198.51.100.7, '], '198.51.100.7:0 http origin.example'],
  [
    'of several protocols the last is no client’s',
    ['X-Forwarded-For: 198.51.100.7', 'X-Forwarded-Proto: https, http'],
    '198.51.100.7:0 http origin.example',
  ],
  [
    'of several hosts, too',
    ['X-Forwarded-For: 198.51.100.7', 'X-Forwarded-Host: evil.example', 'X-Forwarded-Host: shop.example'],
    '198.51.100.7:0 http shop.example',
  ],
  [
    'hosts as many as entries do not make the first one true',
    [
      'X-Forwarded-For: a, 198.51.100.7, 10.0.0.2',
      'X-Forwarded-Host: evil.example, evil.example, shop.example',
    ],
    '198.51.100.7:0 http shop.example',
  ],
  [
    'invalid protocol and host',
    ['X-Forwarded-For: 198.51.100.7', 'X-Forwarded-Proto: https://', 'X-Forwarded-Host: evil.example/x'],
    '198.51.100.7:0 http origin.example',
  ],
  ['a protocol without an address', ['X-Forwarded-Proto: https'], '10.0.0.1:4000 https origin.example'],
]

describe('Forwarded', () => {
  test.each(standard)('%s', (_, lines, expected, seen) => {
    expect(told('Forwarded', lines, seen)).toBe(expected)
  })
})

describe('X-Forwarded', () => {
  test.each(customary)('%s', (_, lines, expected, seen) => {
    expect(told('X-Forwarded', lines, seen)).toBe(expected)
  })
})

describe('the walk is bounded', () => {
  const hops = (count: number): string[] =>
    Array.from({ length: count }, (_, hop) => `Forwarded: for=10.1.0.${count - hop}`)

  test('after 32 hops', () => {
    expect(told('Forwarded', hops(32))).toBe('10.1.0.32:0 http origin.example')
    expect(told('Forwarded', hops(33))).toBe('10.1.0.32:0 http origin.example')
  })

  // What grew with the square of its length would not end before the test does.
  const size = 300_000
  test.each([
    ['commas', ','.repeat(size)],
    ['quotation marks', '"'.repeat(size)],
    ['backslashes', `"${'\\'.repeat(size)}"`],
    ['quoted pairs', `for="${'\\"'.repeat(size / 2)}`],
    ['white space', `for=1${' '.repeat(size)}2`],
    ['semicolons', `${'; '.repeat(size / 2)}for=`],
    ['colons', ':'.repeat(size)],
    ['parameters', Array.from({ length: size / 10 }, (_, at) => `p${at}=1`).join(';')],
  ])('and %s take no more time than there are of them', (_, value) => {
    expect(told('Forwarded', [`Forwarded: ${value}`])).toBe(peerOnly)
    expect(told('X-Forwarded', [`X-Forwarded-For: ${value}`])).toBe(peerOnly)
  })
})

describe('options', () => {
  const bad: [string, unknown, string][] = [
    ['no object', 'all', 'Invalid options of trustProxy'],
    ['true', true, 'Invalid options of trustProxy'],
    ['nothing', null, 'Invalid options of trustProxy'],
    ['no proxies', { fields: 'Forwarded' }, 'Invalid option trustProxy.from'],
    ['an empty list', { from: [], fields: 'Forwarded' }, 'Invalid option trustProxy.from'],
    ['a name', { from: ['localhost'], fields: 'Forwarded' }, 'Invalid option trustProxy.from: "localhost"'],
    ['a number of hops', { from: 1, fields: 'Forwarded' }, 'Invalid option trustProxy.from'],
    ['no fields', { from: ['10.0.0.1'] }, 'Invalid option trustProxy.fields'],
    [
      'both',
      { from: ['10.0.0.1'], fields: ['Forwarded', 'X-Forwarded'] },
      'Invalid option trustProxy.fields',
    ],
  ]

  test.each(bad)('%s', async (_, trustProxy, message) => {
    for (const way of ways) {
      const options = { trustProxy } as HttpListenOptions
      await expect(way.listen(undefined, options)).rejects.toThrow(message)
    }
  })
})

describe.each(ways)('exchange.client over $name', (way) => {
  const from = ['127.0.0.1', 'unix']
  const lines = ['Forwarded: for="198.51.100.7:81";proto=https;host=shop.example', 'X-Forwarded-For: 1.2.3.4']

  test('is what a trusted proxy says; remoteAddress stays the peer’s', async () => {
    await using server = await way.listen(
      (exchange) => {
        const { client: asked, remoteAddress } = exchange
        expect(exchange.client).toBe(asked)
        return exchange.respond(200, {}, JSON.stringify({ asked, peer: remoteAddress.kind }))
      },
      { trustProxy: { from, fields: 'Forwarded' } },
    )
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1', ...lines) + head('GET / HTTP/1.1'))
    const [first, second] = await peer.replies(2)
    expect(JSON.parse(first?.body ?? '')).toEqual({
      asked: {
        address: { kind: 'ip', family: 4, host: '198.51.100.7', port: 81 },
        protocol: 'https',
        host: 'shop.example',
      },
      peer: peer.connection.localAddress.kind,
    })
    expect(JSON.parse(second?.body ?? '')).toMatchObject({
      asked: { address: peer.connection.localAddress, protocol: 'http', host: 'example' },
    })
  })

  test.each([
    ['nobody is trusted', {}],
    ['others are', { trustProxy: { from: ['192.0.2.1'], fields: 'Forwarded' } } as const],
  ])('is the peer when %s', async (_, options) => {
    await using server = await way.listen(
      (exchange) => exchange.respond(200, {}, JSON.stringify(exchange.client)),
      options,
    )
    const peer = await client(way, server)
    peer.write(head('GET / HTTP/1.1', ...lines))
    const [reply] = await peer.replies(1)
    expect(JSON.parse(reply?.body ?? '')).toEqual({
      address: peer.connection.localAddress,
      protocol: 'http',
      host: 'example',
    })
  })
})
