import { afterAll, beforeEach, expect, test, vi } from 'vitest'

import { requireProgram } from '../src/requires.ts'

const PATH = process.env['PATH'] ?? ''
const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})

beforeEach(() => void warn.mockClear())
afterAll(() => warn.mockRestore())

test('finds a program that is there, without a word', () => {
  expect(requireProgram('sh', { PATH, FAIRLEAD_REQUIRE_ALL: '1' })).toMatch(/\/sh$/)
  expect(warn).not.toHaveBeenCalled()
})

test('says what is not there and how to get it', () => {
  expect(requireProgram('chromium', { PATH: '/nowhere:' })).toBeUndefined()
  expect(warn.mock.lastCall?.[0]).toMatch(/chromium is not installed.*apt-get install chromium$/)
  requireProgram('ab', { PATH: '' })
  expect(warn.mock.lastCall?.[0]).toMatch(/apt-get install apache2-utils$/)
})

test('fails instead where everything is required', () => {
  const env = { PATH: '', FAIRLEAD_REQUIRE_ALL: '1' }
  expect(() => requireProgram('chromium', env)).toThrow('apt-get install chromium')
  expect(warn).not.toHaveBeenCalled()
})

test('takes no file for a program that cannot be run', () => {
  expect(requireProgram('passwd', { PATH: '/etc' })).toBeUndefined()
})
