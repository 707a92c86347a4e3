import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { addressOf, targetOf } from '../../src/connect-udp/target.ts'
import { decoded, defaultPath, TargetTemplate } from '../../src/connect-udp/template.ts'

const v4 = { host: '192.0.2.6', port: 443 }
const v6 = { host: '2001:db8::42', port: 443 }

describe('the URI template', () => {
  test.each([
    [defaultPath, v4, '/.well-known/masque/udp/192.0.2.6/443/'],
    [defaultPath, v6, '/.well-known/masque/udp/2001%3Adb8%3A%3A42/443/'],
    ['/masque?h={target_host}&p={target_port}', v6, '/masque?h=2001%3Adb8%3A%3A42&p=443'],
    ['/masque{?target_host,target_port}', v6, '/masque?target_host=2001%3Adb8%3A%3A42&target_port=443'],
    ['/masque?a=b{&target_port,target_host}', v4, '/masque?a=b&target_port=443&target_host=192.0.2.6'],
    ['/{target_host,target_port}', v4, '/192.0.2.6,443'],
    ['/a.b+c(d)/{target_host}/{target_port}', v4, '/a.b+c(d)/192.0.2.6/443'],
  ])('%s for %o is %s, and back', (text, target, expanded) => {
    const template = new TargetTemplate(text, 'path')
    expect(template.expand(target)).toBe(expanded)
    const { target_host: host = '', target_port: port = '' } = template.match(expanded) ?? {}
    expect(targetOf(decoded(host) ?? '', port)).toEqual(target)
  })

  test('leaves variables out that nobody knows', () => {
    const expand = (text: string): string => new TargetTemplate(text, 'path').expand(v4)
    expect(expand('/{user}/{target_host}/{target_port}')).toBe('//192.0.2.6/443')
    expect(expand('/{target_host}/{target_port}{?user,token}')).toBe('/192.0.2.6/443')
    expect(expand('/{?user,target_host,target_port}')).toBe('/?target_host=192.0.2.6&target_port=443')
    expect(new TargetTemplate('/{user}/{target_host}/{target_port}', 'path').plain).toBe(false)
  })

  test.each([
    ['/{+target_host}/{target_port}', /\{\+target_host\} is no expression/],
    ['/{#target_host}/{target_port}', /no URI has/],
    ['/{.target_host}/{target_port}', /is no expression/],
    ['/{/target_host}/{target_port}', /is no expression/],
    ['/{;target_host}/{target_port}', /is no expression/],
    ['/{target_host:3}/{target_port}', /is no expression/],
    ['/{target_host*}/{target_port}', /is no expression/],
    ['/{}/{target_host}/{target_port}', /is no expression/],
    ['/{target_host/{target_port}', /is no expression/],
    ['/target_host}/{target_port}', /is no expression/],
    ['/{target_host}/', /must have \{target_port\}, once/],
    ['/{target_port}/', /must have \{target_host\}, once/],
    ['/{target_host}/{target_host}/{target_port}', /must have \{target_host\}, once/],
    ['{target_host}/{target_port}', /does not begin with a slash/],
    ['', /does not begin with a slash/],
    ['/{target_host}/{target_port}#x', /no URI has/],
    ['/{target_host}/ /{target_port}', /no URI has/],
    ['/{target_host}/ü/{target_port}', /no URI has/],
    [7 as unknown as string, /must be a URI template/],
  ])('refuses %s', (text, why) => {
    expect(() => new TargetTemplate(text, 'path')).toThrow(why)
    expect(() => new TargetTemplate(text, 'path')).toThrow(/^Invalid option path: /)
  })

  test.each([
    '/.well-known/masque/udp/192.0.2.6/443',
    '/.well-known/masque/udp/192.0.2.6/443/?a',
    '/.well-known/masque/udp/192.0.2.6/443/x',
    '/.well-known/masque/udp/192.0.2.6/',
    '/x/.well-known/masque/udp/192.0.2.6/443/',
    '/.well-known/masque/udp/a/b/443/',
    `/.well-known/masque/udp/${'a'.repeat(1_000)}/443/`,
    '*',
    '',
  ])('makes nothing like %s', (target) => {
    expect(new TargetTemplate(defaultPath, 'path').match(target)).toBeUndefined()
  })

  test('takes no longer for what is made to take long', () => {
    const template = new TargetTemplate('/{target_host}:{target_port}:', 'path')
    const begun = performance.now()
    expect(template.match(`/${':'.repeat(16_000)}`)).toBeUndefined()
    expect(performance.now() - begun).toBeLessThan(100)
  })

  test('reads back every target that it makes', () => {
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6())
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
        const target = targetOf(name, String(port))
        if (!target) return
        for (const text of [defaultPath, '/m{?target_host,target_port}']) {
          const template = new TargetTemplate(text, 'path')
          const variables = template.match(template.expand(target))
          expect(targetOf(decoded(variables?.target_host ?? '') ?? '', variables?.target_port ?? '')).toEqual(
            target,
          )
        }
      }),
    )
  })
})

describe('a target', () => {
  test.each([
    ['192.0.2.6', '443', v4],
    ['2001:DB8:0:0::42', '443', v6],
    ['::ffff:192.0.2.6', '443', v4],
    ['Example.COM', '53', { host: 'example.com', port: 53 }],
    ['_dns.example.com.', '1', { host: '_dns.example.com.', port: 1 }],
    ['bücher.example', '65535', { host: 'xn--bcher-kva.example', port: 65_535 }],
  ])('is %s and %s', (host, port, target) => {
    expect(targetOf(host, port)).toEqual(target)
  })

  test.each([
    ['', '443'],
    ['example.com', ''],
    ['example.com', '0'],
    ['example.com', '65536'],
    ['example.com', '123456'],
    ['example.com', '+5'],
    ['example.com', '-1'],
    ['example.com', '0x5'],
    ['example.com', '4 3'],
    ['example.com', '1e3'],
    ['example.com', '44.3'],
    ['example.com', '443/'],
    ['fe80::1%eth0', '443'],
    ['fe80::1%25eth0', '443'],
    ['[2001:db8::42]', '443'],
    ['2001:db8::42::1', '443'],
    ['example.com:53', '443'],
    ['0177.0.0.1', '443'],
    ['0x7f.1', '443'],
    ['127.1', '443'],
    ['2130706433', '443'],
    ['a b', '443'],
    ['a/b', '443'],
    ['a@b', '443'],
    ['a?b', '443'],
    ['a#b', '443'],
    ['a\u0000b', '443'],
    ['-a', '443'],
    ['a..b', '443'],
    ['.', '443'],
    ['a'.repeat(64), '443'],
    ['__proto__:', '443'],
  ])('is not %j and %j', (host, port) => {
    expect(targetOf(host, port)).toBeUndefined()
  })

  test('is an address, or a name that is still to be resolved', () => {
    expect(addressOf(v6)).toEqual({ kind: 'ip', family: 6, host: '2001:db8::42', port: 443 })
    expect(addressOf({ host: 'example.com', port: 1 })).toBeUndefined()
  })
})

describe('a value', () => {
  test.each([
    ['2001%3adb8%3A%3A42', '2001:db8::42'],
    ['a', 'a'],
    ['%', undefined],
    ['%zz', undefined],
    ['%ff', undefined],
    ['%c0%af', undefined],
  ])('%s stands for %s', (value, meant) => {
    expect(decoded(value)).toBe(meant)
  })
})
