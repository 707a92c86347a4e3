import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { packages } from './packages.ts'

const scratch = await mkdtemp(join(tmpdir(), 'fairlead-packages-'))
afterAll(() => rm(scratch, { recursive: true }))

const tarballs = new Map(packages.map(({ name, short }) => [name, join(scratch, `${short}.tgz`)]))

const env = {
  ...process.env,
  PATH: [join(import.meta.dirname, '../node_modules/.bin'), process.env['PATH']].join(delimiter),
}

interface Output {
  stdout: string
  stderr: string
}

/** Runs a program to its end, which must come within a minute and with exit code 0. */
function run(folder: string, command: string, ...args: string[]): Promise<Output> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd: folder, timeout: 60_000, env }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}`, { cause: error }))
      else resolve({ stdout, stderr })
    })
  })
}

beforeAll(async () => {
  await Promise.all(packages.map((it) => run(it.folder, 'pnpm', 'pack', '--out', tarballs.get(it.name)!)))
})

describe.each(packages)('$name as npm ships it', ({ name, short, folder, entries }) => {
  const tarball = tarballs.get(name)!
  const project = join(scratch, short)

  /** Writes a program into a project that has only this package installed, and runs it there. */
  async function runProgram(file: string, source: string): Promise<Output> {
    await writeFile(join(project, file), source)
    return run(project, 'node', file)
  }

  beforeAll(async () => {
    const { [name]: own, ...overrides } = Object.fromEntries(
      [...tarballs].map(([it, file]) => [it, `file:${file}`]),
    )
    await mkdir(project)
    await writeFile(
      join(project, 'package.json'),
      JSON.stringify({ dependencies: { [name]: own }, overrides }),
    )
    await run(project, 'npm', 'install', '--no-audit', '--no-fund', '--prefer-offline')
  })

  test('satisfies publint', () => run(folder, 'publint', '--strict', tarball))

  test('has the right types', () => run(folder, 'attw', '--profile', 'esm-only', tarball))

  test.each([...entries.keys()])('import and require() of %s give the same', async (entry) => {
    const imported = await runProgram(
      'import.mjs',
      `import * as it from '${entry}'; console.log(Object.keys(it))`,
    )
    const required = await runProgram('require.cjs', `console.log(Object.keys(require('${entry}')))`)
    expect(required).toEqual(imported)
    expect(imported.stderr).toBe('')
  })

  test('runs the first program of its README', async () => {
    const readme = await readFile(join(project, 'node_modules', name, 'README.md'), 'utf8')
    const [, program] = /^```js\n(.*?)^```$/ms.exec(readme) ?? []
    expect(program).toBeDefined()
    await runProgram('readme.mjs', program!)
  })
})
