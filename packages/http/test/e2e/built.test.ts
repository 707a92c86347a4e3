import { Headers, Request, Response } from '@fairlead/http'
import { expect, test } from 'vitest'

// Libraries that look for a Response by the name of its constructor must find it in what is built, too.
test.each([
  ['Headers', Headers],
  ['Request', Request],
  ['Response', Response],
])('%s has its name', (name, made) => {
  expect(made.name).toBe(name)
  expect(made.prototype.constructor.name).toBe(name)
})
