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

describe('docs/LIMITS.md has every default of core and tcp', () => {
  const rows = read('docs/LIMITS.md').split('\n')

  /** `const defaultMaxLength = 1024 * 1024`, and `{ maxWaiting = 1_000 }` of options. */
  const definition = /(?:\bdefault|(?<=[{,] ))(\w+) = ([\d_]{2,}(?: \* [\d_]+)*)(?=[\n,]| \})/g
  const defaults = sourcesOf('core', 'tcp').flatMap(({ file, source }) =>
    Array.from(
      source.replaceAll(/\/\*\*.*?\*\//gs, '').matchAll(definition),
      ([, name = '', product = '']) => ({
        file,
        option: name.charAt(0).toLowerCase() + name.slice(1),
        value: product.split(' * ').reduce((value, it) => value * Number(it.replaceAll('_', '')), 1),
      }),
    ),
  )

  test('there are defaults', () => {
    expect(defaults.length).toBeGreaterThan(20)
  })

  test.each(defaults)('$option $value of $file', ({ option, value }) => {
    const forms = [value.toLocaleString('en'), `${value / 1024} KiB`, `${value / 1024 / 1024} MiB`]
    const said = rows.filter(
      (row) => row.includes(`\`${option}\``) && forms.some((it) => row.includes(` ${it} `)),
    )
    expect(said).not.toEqual([])
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

describe('every link within the documentation leads somewhere', () => {
  const files = [
    'README.md',
    'SECURITY.md',
    'CONTRIBUTING.md',
    ...readdirSync(join(root, 'docs'))
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
