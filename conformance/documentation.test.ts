import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

import { describe, expect, test } from 'vitest'

import { packages } from './packages.ts'

const root = join(import.meta.dirname, '..')
const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8')

/** The sources of the packages with these names, or of all that go to npm. */
function sourcesOf(...names: string[]): { file: string; source: string }[] {
  return packages
    .filter(({ short }) => names.length === 0 || names.includes(short))
    .flatMap(({ folder }) =>
      readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => join(folder, 'src', file)),
    )
    .map((file) => ({ file: relative(root, file), source: readFileSync(file, 'utf8') }))
}

/** A number that the sources give a name, and what it is then called in the documentation. */
interface Default {
  readonly file: string
  readonly option: string
  readonly value: number
}

/** The sources without what their docstrings show. */
function codeOf(...names: string[]): { file: string; source: string }[] {
  return sourcesOf(...names).map(({ file, source }) => ({
    file,
    source: source.replaceAll(/\/\*\*.*?\*\//gs, ''),
  }))
}

function valueOf(product: string): number {
  return product.split(' * ').reduce((value, it) => value * Number(it.replaceAll('_', '')), 1)
}

/** As tables write it. */
function formsOf(value: number): string[] {
  return [value.toLocaleString('en'), `${value / 1024} KiB`, `${value / 1024 / 1024} MiB`]
}

describe('docs/LIMITS.md has every default of core, tcp and udp', () => {
  const [before = '', udp = '', after = ''] = read('docs/LIMITS.md').split(/^## (?:udp|http)\n/m)
  const rowsOf = (file: string): string[] =>
    (file.startsWith('packages/udp/') ? udp : before + after).split('\n')

  /** `const defaultMaxLength = 1024 * 1024`, and `{ maxWaiting = 1_000 }` of options. */
  const definition =
    /(?:\bdefault(?=[A-Z]\w+ = \d)|(?<=[{,] )(?=\w+ = [\d_]{2}))(\w+) = ([\d_]+(?: \* [\d_]+)*)(?=[\n,]| \})/g
  const defaults = codeOf('core', 'tcp', 'udp').flatMap(({ file, source }) =>
    Array.from(source.matchAll(definition), ([, name = '', product = '']): Default => {
      return { file, option: name.charAt(0).toLowerCase() + name.slice(1), value: valueOf(product) }
    }),
  )

  test('there are defaults', () => {
    expect(defaults.length).toBeGreaterThan(40)
  })

  test.each(defaults)('$option $value of $file', ({ file, option, value }) => {
    const said = rowsOf(file).filter(
      (row) => row.includes(`\`${option}\``) && formsOf(value).some((it) => row.includes(` ${it} `)),
    )
    expect(said).not.toEqual([])
  })

  /** `const defaultSendQueue: ... = { datagrams: 1_024, bytes: 4 * 1024 * 1024 }` */
  const queue =
    /const default(\w*Queue)\b[^=]* = \{\s*datagrams: ([\d_]+),\s*bytes: (\d[\d_ *]*\d)(?=[,\s}])/g
  const queues = codeOf('udp').flatMap(({ source }) =>
    Array.from(source.matchAll(queue), ([, name = '', datagrams = '', bytes = '']) => {
      const [count = ''] = formsOf(valueOf(datagrams))
      const megabytes = formsOf(valueOf(bytes)).at(-1) ?? ''
      return { name, datagrams: count, bytes: megabytes }
    }),
  )

  test('there are queues', () => {
    expect(queues.map(({ name }) => name)).toEqual(['SendQueue', 'SocketQueue', 'PeerQueue'])
  })

  test.each(queues)('$name of $datagrams datagrams and $bytes', ({ name, datagrams, bytes }) => {
    const option = name === 'SendQueue' ? 'sendQueue' : 'receiveQueue'
    const rows = udp.split('\n').filter((row) => row.includes(`\`${option}\``))
    expect(rows.filter((row) => row.includes(` ${datagrams} datagrams, ${bytes} `))).not.toEqual([])
  })

  /** Bounds of udp that are no options, by the constant that holds each, and words of their row. */
  test.each([
    ['queue/lane.ts', 'maxWaiting', '`maxWaiting`'],
    ['queue/outlet.ts', 'highWaterCount', '`highWaterMark`'],
    ['batches.ts', 'largest', '`batches()`'],
    ['address/names.ts', 'most', 'names known to a socket'],
    ['validation/cookie.ts', 'epochLength', 'a cookie'],
    ['bundle/sequence-window.ts', 'window', '`window`'],
    ['bundle/sequence-window.ts', 'farthest', 'a jump'],
    ['request/request-options.ts', 'retrySpan', '`cap` of `backoff`'],
    ['discovery/service.ts', 'maxDatagram', 'a datagram'],
    ['discovery/service.ts', 'maxLabel', '`type`, `name`'],
    ['discovery/service.ts', 'maxEntries', '`data` '],
    ['discovery/text.ts', 'maxText', 'values of `data`'],
    ['discovery/peer-record.ts', 'maxSources', 'addresses of one peer'],
    ['discovery/lan-medium.ts', 'recvBufferSize', '`recvBufferSize`, not an option'],
  ])('%s: %s', (file, name, words) => {
    const source = read('packages/udp/src', file)
    const [, product = ''] = new RegExp(`const ${name} = ([\\d_ *]+)\\n`).exec(source) ?? []
    const rows = udp.split('\n').filter((row) => row.startsWith(`| ${words}`))
    const number = formsOf(valueOf(product)).map((form) => new RegExp(`(?<![\\d,])${form}(?![\\d,])`))
    expect(rows.filter((row) => number.some((it) => it.test(row)))).toHaveLength(1)
  })
})

describe('docs/LIMITS.md has every default of http', () => {
  const [, section = ''] = /^## http\n(.*?)^## /ms.exec(read('docs/LIMITS.md')) ?? []
  const rows = section.split('\n')

  /** `headersTimeout: 15_000,` of an object, by what the documentation calls the whole of them. */
  const defaultsIn = (file: string, name: string, prefix = ''): string[][] => {
    const [, body = ''] = new RegExp(`const ${name}\\b.*?\\{\\n(.*?)\\n\\}`, 's').exec(read(file)) ?? []
    return Array.from(body.matchAll(/^ {2}(\w+): (.+),$/gm), ([, option = '', value = '']) => [
      option === 'bodyBytes' ? 'maxBodySize' : prefix + option,
      value,
    ])
  }
  const times = defaultsIn('packages/http/src/server/options.ts', 'defaultTimes')
  const sizes = defaultsIn('packages/http/src/codec/limits.ts', 'defaultLimits', 'limits.')

  test('there are defaults', () => {
    expect([times.length, sizes.length]).toEqual([7, 9])
  })

  test.each([...times, ...sizes])('%s %s', (option = '', value = '') => {
    const forms = value === 'Infinity' ? ['`Infinity`'] : formsOf(valueOf(value))
    const said = rows.filter((row) => row.startsWith(`| \`${option}\` `))
    expect(said.filter((row) => forms.some((it) => row.includes(` ${it} `)))).toHaveLength(1)
  })

  /** Bounds that are no options, by the constant that holds each, and words of their row. */
  test.each([
    ['http/src/server/intake.ts', 'dropLimit', 'an unread body'],
    ['http/src/server/forwarded.ts', 'most', 'hops of `trustProxy`'],
    ['http/src/codec/chunked.ts', 'SIZE_DIGITS', "digits of a chunk's size"],
    ['core/src/defaults.ts', 'defaultAcceptBacklog', 'exchanges that wait'],
  ])('%s: %s', (file, name, words) => {
    const [, product = ''] = new RegExp(`const ${name} = ([\\d_ *]+)\\n`).exec(read('packages', file)) ?? []
    const said = rows.filter((row) => row.startsWith(`| ${words}`))
    expect(
      said.filter((row) => formsOf(valueOf(product)).some((it) => row.includes(` ${it} `))),
    ).toHaveLength(1)
  })

  test("and the README's", () => {
    const readme = read('packages/http/README.md').split('\n')
    const missing = [...times, ...sizes].filter(([option = '', value = '']) => {
      const forms = value === 'Infinity' ? ['`Infinity`'] : formsOf(valueOf(value))
      return !readme.some(
        (row) => row.startsWith(`| \`${option}\` `) && forms.some((it) => row.includes(` ${it} `)),
      )
    })
    expect(missing).toEqual([])
  })
})

/** What the server answers by itself. */
describe('docs/ERRORS.md has every status', () => {
  test('that a reason of the codec leads to', () => {
    const [, reasons = ''] = /STATUS_HINTS = \{(.*?)\}/s.exec(read('packages/http/src/codec/errors.ts')) ?? []
    const rows = read('docs/ERRORS.md').split('\n')
    const wrong = Array.from(reasons.matchAll(/(\w+): (\d+)/g)).filter(
      ([, reason = '', status = '']) =>
        !rows.some(
          (row) => row.startsWith(`| \`ERR_FAIRLEAD_HTTP_${reason}\` `) && row.includes(` ${status} `),
        ),
    )
    expect(wrong).toEqual([])
  })
})

describe('docs/ERRORS.md has every code', () => {
  const codes = sourcesOf().flatMap(({ source }) => source.match(/(?<=')ERR_FAIRLEAD_\w+(?=')/g) ?? [])
  const [, reasons = ''] = /STATUS_HINTS = \{(.*?)\}/s.exec(read('packages/http/src/codec/errors.ts')) ?? []
  const http = (reasons.match(/[A-Z_]+(?=:)/g) ?? []).map((reason) => `ERR_FAIRLEAD_HTTP_${reason}`)
  const documented = read('docs/ERRORS.md').match(/(?<=`)ERR_FAIRLEAD_\w+(?=`)/g) ?? []

  test('and no other', () => {
    expect(http.length).toBeGreaterThan(10)
    expect(new Set(documented)).toEqual(new Set([...codes, ...http]))
  })
})

describe('docs/ERRORS.md has every limit of udp', () => {
  const [, section = ''] = /^## Limits of datagrams\n(.*?)^Other errors/ms.exec(read('docs/ERRORS.md')) ?? []
  const documented = Array.from(section.matchAll(/^\| ((?:`\w+`(?:, )?)+) /gm), ([, names = '']) =>
    names.replaceAll('`', '').split(', '),
  )
    .flat()
    .filter((name) => name !== 'limit')

  /** `limit: 'maxPending'`, `oversized(size, max, 'maxMessageSize')`, and what else names one. */
  const naming = /limit: '(\w+)'|oversized\([^'\n]*'(\w+)'|, '(max\w+)', \w+\)|checkText\('(\w+)'/g
  const named = codeOf('udp').flatMap(({ source }) =>
    Array.from(source.matchAll(naming), (match) => match.slice(1).find((it) => it !== undefined) ?? ''),
  )

  test('and no other', () => {
    expect(named.length).toBeGreaterThan(10)
    expect(new Set(documented)).toEqual(new Set(named))
  })
})

describe('every link within the documentation leads somewhere', () => {
  const files = [
    'README.md',
    'SECURITY.md',
    'CONTRIBUTING.md',
    ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.md'))
      .map((file) => join('docs', file)),
    ...packages.map(({ folder }) => relative(root, join(folder, 'README.md'))),
  ]
  /** As GitHub names the place of a heading. */
  const anchorOf = (heading: string): string =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-')
  const prose = (file: string): string => read(file).replaceAll(/^```.*?^```$/gms, '')
  const anchorsIn = (file: string): string[] =>
    Array.from(prose(file).matchAll(/^#+ (.+)$/gm), ([, heading = '']) => anchorOf(heading))

  test.each(files)('in %s', (file) => {
    const links = Array.from(prose(file).matchAll(/\]\(((?!https?:)[^)\s]+)\)/g), ([, link = '']) => link)
    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? file : join(dirname(file), path)
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && !(target.endsWith('.md') && anchorsIn(target).includes(anchor))
    })
    expect(broken).toEqual([])
  })
})
