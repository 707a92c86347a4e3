import { expect } from 'vitest'

import { run } from './program.ts'

/** What curl prints. Whatever is no success is one of curl's, too. */
export async function curls(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('curl', ['-sS', '--fail-with-body', ...args])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}
