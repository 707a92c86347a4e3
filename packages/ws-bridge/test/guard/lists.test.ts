import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { guardOf } from '../../src/guard/guard.ts'
import { asking, everywhere, letsIn, loopback } from './forms.ts'

const allowsOrigin = (list: string[], origin: string): boolean =>
  letsIn({ origins: list }, asking('localhost', origin))
const allowsHost = (list: string[], host: string, secure = false): boolean =>
  letsIn({ hosts: list }, asking(host, undefined, secure))

describe('a list of origins', () => {
  test.each<[string, string]>([
    ['https://example.com', 'https://example.com'],
    ['https://example.com', 'https://example.com:443'],
    ['https://example.com', 'HTTPS://EXAMPLE.COM'],
    ['https://example.com', 'https://example.com.'],
    ['https://example.com:443', 'https://example.com'],
    ['HTTPS://Example.COM.', 'https://example.com'],
    ['http://example.com:80', 'http://example.com'],
    ['http://example.com:8080', 'http://example.com:8080'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['https://xn--bcher-kva.example', 'https://XN--BCHER-KVA.example'],
    ['http://192.0.2.7', 'http://192.0.2.7'],
    ['http://[2001:db8::1]:8080', 'http://[2001:DB8:0::1]:8080'],
    ['https://*.example.com', 'https://a.example.com'],
    ['https://*.example.com', 'https://a.b.example.com'],
    ['https://*.example.com', 'https://A.EXAMPLE.COM.:443'],
    ['https://*.example.com:8443', 'https://a.example.com:8443'],
    ['https://*.bücher.example', 'https://a.xn--bcher-kva.example'],
    ['http://*.localhost:5173', 'http://app.localhost:5173'],
    [
      'chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb',
      'chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb',
    ],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['file://', 'file://'],
  ])('with %s has %s', (entry, origin) => {
    expect(allowsOrigin(['https://other.example', entry], origin)).toBe(true)
  })

  test.each<[string, string]>([
    ['https://example.com', 'http://example.com'],
    ['https://example.com', 'https://example.com:8443'],
    ['https://example.com', 'https://example.com:80'],
    ['https://example.com', 'https://a.example.com'],
    ['https://example.com', 'https://example.com.evil.example'],
    ['https://example.com', 'https://example.comevil'],
    ['https://example.com', 'https://evilexample.com'],
    ['https://example.com', 'https://exampleXcom'],
    ['https://example.com', 'https://example.com@evil.example'],
    ['https://example.com', 'https://evil.example#https://example.com'],
    ['https://example.com', 'https://example.com/'],
    ['https://example.com', 'https://example.com, https://example.com'],
    ['https://example.com', 'wss://example.com'],
    ['https://example.com', 'chrome-extension://example.com'],
    ['https://example.com', 'null'],
    ['https://xn--bcher-kva.example', 'https://b\u00fccher.example'],
    ['https://*.example.com', 'https://example.com'],
    ['https://*.example.com', 'https://.example.com'],
    ['https://*.example.com', 'https://*.example.com'],
    ['https://*.example.com', 'https://a..example.com'],
    ['https://*.example.com', 'https://evilexample.com'],
    ['https://*.example.com', 'https://a.example.com.evil.example'],
    ['https://*.example.com', 'https://a.example.com:8443'],
    ['https://*.example.com', 'http://a.example.com'],
    ['https://*.example.com', 'http://a.example.com:443'],
    ['http://*.example.com:8080', 'https://a.example.com:8080'],
    ['http://*.example.com:8080', 'chrome-extension://a.example.com:8080'],
    ['https://*.example.com', 'https://evil.example/.example.com'],
    ['https://*.example.com', 'https://evil.example\\.example.com'],
    ['https://*.example.com', 'https://evil.example?.example.com'],
    ['https://*.example.com', 'https://evil.example#.example.com'],
    ['https://*.example.com', 'https://evil.example:443.example.com'],
    ['https://*.example.com', 'https://evil.example@a.example.com'],
    ['https://*.example.com', 'https://evil.example%2f.example.com'],
    ['https://*.example.com', 'https://evil.example\t.example.com'],
    ['https://*.example.com', 'https://evil.example, https://a.example.com'],
    ['https://*.example.com', 'https://evil.example https://a.example.com'],
    ['http://192.0.2.7', 'http://3221225991'],
    ['http://192.0.2.7', 'http://0300.0.2.7'],
    ['http://192.0.2.7', 'http://192.0.2.7.evil.example'],
    ['http://[2001:db8::1]', 'http://[2001:db8::1%eth0]'],
    ['http://[2001:db8::1]', 'http://[2001:db8::1].evil.example'],
    ['chrome-extension://aapbdb', 'moz-extension://aapbdb'],
    ['chrome-extension://aapbdb', 'chrome-extension://AAPBDB'],
    ['file://', 'file:///'],
    ['file://', 'null'],
  ])('with %s does not have %s', (entry, origin) => {
    expect(allowsOrigin([entry], origin)).toBe(false)
  })

  test('without anything in it has no page', () => {
    expect(allowsOrigin([], 'http://localhost')).toBe(false)
    expect(letsIn({ origins: [] }, asking('localhost'))).toBe(true)
  })

  test('has the own one where it says so', () => {
    expect(allowsOrigin(['https://example.com'], 'http://localhost')).toBe(false)
    expect(allowsOrigin(['own', 'https://example.com'], 'http://localhost')).toBe(true)
    expect(allowsOrigin(['own', 'https://example.com'], 'https://example.com')).toBe(true)
    expect(allowsOrigin(['own', 'https://example.com'], 'http://localhost:8080')).toBe(false)
  })

  test('is read once', () => {
    const list = ['https://example.com']
    const { refusalOf } = guardOf({ origins: list }, everywhere)
    list.push('https://late.example')
    expect(refusalOf(asking('h', 'https://late.example'))?.status).toBe(403)
  })

  test.each([
    '',
    ' ',
    '*',
    'null',
    'any',
    'example.com',
    'https://example.com/',
    'https://example.com/chat',
    'https://example.com?',
    'https://user:pass@example.com',
    'https://*',
    'https://*.',
    'https://*example.com',
    'https://a.*.example.com',
    'https://*.*.example.com',
    'https://*.example.com/',
    'https://*.192.0.2.7',
    'https://*.0.2.7',
    'https://*.[::1]',
    'https://',
    'https://example.com:',
    'https://example.com:65536',
    'https://exa mple.com',
    ' https://example.com',
    'https://example.com ',
    'https://example..com',
    'https://0x7f.1',
    'https://2130706433',
    'https://[fe80::1%eth0]',
    'https://::1',
    'https://a.example, https://b.example',
    'ws://example.com',
    'wss://*.example.com',
    'chrome-extension://*',
    '*://example.com',
  ])('cannot have %j', (entry) => {
    const shown = JSON.stringify(entry.replace(/\?.*/, '?...').replace(/^.*@/, '...@'))
    const expected = 'an origin, such as https://example.com, http://localhost:8080 or https://*.example.com'
    expect(() => guardOf({ origins: ['https://a.example', entry] }, loopback)).toThrow(
      new TypeError(`Invalid option origins: ${shown} is not ${expected}`),
    )
  })
})

describe('a list of hosts', () => {
  test.each<[string, string, boolean?]>([
    ['example.com', 'example.com'],
    ['example.com', 'example.com:8080'],
    ['example.com', 'EXAMPLE.com.'],
    ['Example.COM.', 'example.com'],
    ['example.com:80', 'example.com'],
    ['example.com:443', 'example.com', true],
    ['example.com:8443', 'example.com:8443'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['*.example.com', 'a.example.com'],
    ['*.example.com', 'a.b.example.com:8080'],
    ['*.example.com:8443', 'a.example.com:8443'],
    ['*.example.com:443', 'a.example.com', true],
    ['*.local', 'printer.local'],
    ['192.0.2.7', '192.0.2.7:8080'],
    ['[::1]:80', '[::1]'],
    ['[::1]:80', '[0::1]:80'],
    ['[2001:DB8::1]', '[2001:db8:0:0::1]:8080'],
    ['[::ffff:192.0.2.7]', '192.0.2.7'],
    ['__proto__', '__proto__'],
  ])('with %s has %s', (entry, host, secure) => {
    expect(allowsHost(['other.example', entry], host, secure)).toBe(true)
  })

  test.each<[string, string, boolean?]>([
    ['example.com', 'localhost'],
    ['example.com', 'a.example.com'],
    ['example.com', 'example.com.evil.example'],
    ['example.com', 'evilexample.com'],
    ['example.com', 'example.com@evil.example'],
    ['example.com', 'example.com, example.com'],
    ['example.com:80', 'example.com', true],
    ['example.com:443', 'example.com'],
    ['example.com:8443', 'example.com'],
    ['example.com:8443', 'example.com:844'],
    ['example.com:8443', 'example.com:84433'],
    ['*.example.com', 'example.com'],
    ['*.example.com', '.example.com'],
    ['*.example.com', 'evilexample.com'],
    ['*.example.com', 'a.example.com.evil.example'],
    ['*.example.com', 'evil.example/.example.com'],
    ['*.example.com', 'evil.example:80.example.com'],
    ['*.example.com:8443', 'a.example.com'],
    ['*.example.com:8443', 'a.example.com:443'],
    ['192.0.2.7', '3221225991'],
    ['192.0.2.7', '192.0.2.07'],
    ['192.0.2.7', '192.0.2.7.evil.example'],
    ['[::1]:80', '[::1]:8080'],
    ['[::1]:80', '[::1]', true],
    ['[2001:db8::1]', '[2001:db8::10]'],
  ])('with %s does not have %s', (entry, host, secure) => {
    expect(allowsHost([entry], host, secure)).toBe(false)
  })

  test.each([
    '',
    ' ',
    '*',
    '*.',
    '*example.com',
    'a.*.com',
    'http://example.com',
    'example.com/',
    'example.com:',
    'example.com:65536',
    'example.com:*',
    'user@example.com',
    'exa mple.com',
    '.example.com',
    'example..com',
    '127.1',
    '0x7f.0.0.1',
    '127.0.0.1.',
    '127.0.0.0/8',
    '\uff11\uff12\uff17.0.0.1',
    '::1',
    '[::1',
    '[::1%lo]',
    '[127.0.0.1]',
    '*.127.0.0.1',
    '*.[::1]',
    'a.example,b.example',
    `${'a'.repeat(64)}.example`,
  ])('cannot have %j', (entry) => {
    const shown = JSON.stringify(entry.replace(/^.*@/, '...@'))
    expect(() => guardOf({ hosts: ['a.example', entry] }, loopback)).toThrow(
      new TypeError(
        `Invalid option hosts: ${shown} is not a host, such as example.com, *.example.com:8443 or [::1]`,
      ),
    )
  })

  test('cannot be empty', () => {
    expect(() => guardOf({ hosts: [] }, loopback)).toThrow(
      new TypeError('Invalid option hosts: an empty list lets nobody in'),
    )
  })
})

describe('options', () => {
  test.each<[object, string]>([
    [{ origins: 'all' }, "Invalid option origins: must be 'any', 'own', a list of origins or a function"],
    [{ origins: 'https://example.com' }, "Invalid option origins: must be 'any', 'own', a list"],
    [{ origins: null }, "Invalid option origins: must be 'any'"],
    [{ origins: true }, "Invalid option origins: must be 'any'"],
    [{ origins: /example/ }, "Invalid option origins: must be 'any'"],
    [{ origins: new Set(['https://example.com']) }, "Invalid option origins: must be 'any'"],
    [{ origins: [null] }, 'Invalid option origins: null is not an origin'],
    [{ origins: [/example/] }, 'Invalid option origins: a value of type object is not an origin'],
    [{ origins: [['https://example.com']] }, 'Invalid option origins: a value of type object is not'],
    [{ origins: [undefined] }, 'Invalid option origins: a value of type undefined is not'],
    [{ origins: ['x'.repeat(1_000)] }, `Invalid option origins: "${'x'.repeat(100)}..." is not an origin`],
    [{ hosts: 'own' }, "Invalid option hosts: must be 'any' or a list of hosts"],
    [{ hosts: 'example.com' }, "Invalid option hosts: must be 'any' or a list of hosts"],
    [{ hosts: null }, "Invalid option hosts: must be 'any' or a list of hosts"],
    [{ hosts: () => true }, "Invalid option hosts: must be 'any' or a list of hosts"],
    [{ hosts: [8080] }, 'Invalid option hosts: a value of type number is not a host'],
  ])('%j are refused at once', (options, message) => {
    const make = (): unknown => guardOf(options, loopback)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })
})

/** One way to write each, by the URL standard, which knows nothing of ours; undefined for what is no origin. */
function canonical(origin: string): string | undefined {
  if (!/^https?:\/\/[^/?#\\@\s]+$/i.test(origin) || !URL.canParse(origin)) return undefined
  const url = new URL(origin)
  return `${url.protocol}//${url.host.replace(/\.(?=$|:\d+$)/, '')}`
}

describe('nothing gets in that is not listed', () => {
  const label = fc.stringMatching(/^[a-z][a-z\d]{0,4}$/)
  const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => [...labels, 'test'].join('.'))
  const host = fc.oneof(
    { weight: 4, arbitrary: name },
    fc.ipV4(),
    fc.ipV6().map((ip) => `[${ip}]`),
  )
  const port = fc.constantFrom('', ':80', ':443', ':8080')
  const scheme = fc.constantFrom('http', 'https')
  const origin = fc.tuple(scheme, host, port).map(([s, h, p]) => `${s}://${h}${p}`)
  const wildcard = fc.tuple(scheme, name, port).map(([s, h, p]) => `${s}://*.${h}${p}`)

  /** What an attacker can make of a listed origin: something put in, taken out, or put in its place. */
  const inserted = fc.oneof(
    fc.constantFrom(
      '.',
      '..',
      ':',
      '@',
      '/',
      '\\',
      '#',
      '?',
      '%2e',
      ',',
      ', ',
      ' ',
      '\t',
      '\0',
      '*',
      '-',
      '[',
      ']',
    ),
    fc.constantFrom(
      'evil.',
      '.evil',
      'evil@',
      '@evil.test',
      ':80',
      ':8080',
      'https://',
      '\u00e9',
      '\uff0e',
      '\u017f',
    ),
    fc.string({ maxLength: 3 }),
  )
  const tampered = (text: string) =>
    fc.tuple(fc.nat(text.length), fc.nat(2), inserted).map(([at, out, put]) => {
      return text.slice(0, at) + put + text.slice(at + out)
    })
  const listed = fc.array(fc.oneof(origin, wildcard), { minLength: 1, maxLength: 3 })
  const meeting = listed.chain((list) => {
    const near = fc.constantFrom(...list).chain((entry) => tampered(entry.replace('*', 'a')))
    return fc.tuple(fc.constant(list), fc.oneof({ weight: 4, arbitrary: near }, origin, fc.string()))
  })

  function isListed(list: string[], asked: string): boolean {
    const one = canonical(asked)
    if (one === undefined) return false
    return list.some((entry) => {
      if (!entry.includes('*')) return canonical(entry) === one
      const [, start, base] = /^(https?:\/\/)(.*)$/.exec(canonical(entry.replace('*.', ''))!)!
      // One or more labels in front, and the rest to the letter.
      return (
        one.startsWith(start!) &&
        /^(?:[\w-]+\.)+$/.test(one.slice(start!.length).slice(0, -base!.length)) &&
        one.endsWith(base!)
      )
    })
  }

  test('as an origin', () => {
    fc.assert(
      fc.property(meeting, ([list, asked]) => {
        if (!allowsOrigin(list, asked)) return
        expect(isListed(list, asked)).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  test('and what is listed does, as browsers send it', () => {
    fc.assert(
      fc.property(listed, fc.array(label, { minLength: 1, maxLength: 3 }), (list, labels) => {
        for (const entry of list) {
          const sent = canonical(entry.replace('*', labels.join('.')))!
          expect(allowsOrigin(list, sent)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('as a host', () => {
    const hosts = listed.map((list) => list.map((entry) => entry.replace(/^https?:\/\//, '')))
    const pairs = hosts.chain((list) => {
      const near = fc.constantFrom(...list).chain((entry) => tampered(entry.replace('*', 'a')))
      return fc.tuple(fc.constant(list), fc.oneof({ weight: 4, arbitrary: near }, host, fc.string()))
    })
    fc.assert(
      fc.property(pairs, ([list, asked]) => {
        if (!allowsHost(list, asked)) return
        // An entry without a port is one for each: this one.
        const [, askedPort = ''] =
          /(:\d+)$/.exec(asked.startsWith('[') ? asked.replace(/^.*\]/, '') : asked) ?? []
        const entries = list.map((entry) => (/[^\]:]:\d+$|\]:\d+$/.test(entry) ? entry : entry + askedPort))
        expect(
          isListed(
            entries.map((entry) => `http://${entry}`),
            `http://${asked}`,
          ),
        ).toBe(true)
      }),
      { numRuns: 3_000 },
    )
  })

  test('from another origin as the own one', () => {
    const pairs = fc.tuple(host, port).chain(([h, p]) => {
      return fc.tuple(fc.constant(h + p), fc.oneof(tampered(`http://${h}${p}`), origin))
    })
    fc.assert(
      fc.property(pairs, ([asked, from]) => {
        if (!letsIn({ origins: 'own', hosts: 'any' }, asking(asked, from))) return
        expect(canonical(from)).toBe(canonical(`http://${asked}`))
      }),
      { numRuns: 3_000 },
    )
  })
})
