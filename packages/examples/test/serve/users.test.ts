import { expect, test } from 'vitest'

import { readUsers, Users } from '../../src/serve/users.ts'

function users(...all: string[]): Users {
  const users = new Users()
  for (const one of all) users.add(one)
  return users
}

test('knows whoever has the right name and password, and nobody else', () => {
  const some = users('ann:secret', 'bob:pass:word')
  expect(some.names).toEqual(['ann', 'bob'])
  expect(some.knows('ann', 'secret')).toBe(true)
  expect(some.knows('bob', 'pass:word')).toBe(true)
  for (const [name, password] of [
    ['ann', 'Secret'],
    ['ann', ''],
    ['bob', 'secret'],
    ['', 'secret'],
    ['__proto__', 'secret'],
  ] as const) {
    expect(some.knows(name, password)).toBe(false)
  }
})

test('a password is the same in both forms of its letters', () => {
  expect(users('ann:caf\u00e9').knows('ann', 'cafe\u0301')).toBe(true)
})

test.each(['ann', 'ann:', ':secret', '', 'a\nb:secret', 'ann:sec\u0000ret'])('%j is no user', (text) => {
  let message = ''
  try {
    users(text)
  } catch (error) {
    ;({ message } = error as Error)
  }
  expect(message).toBe('Cannot read the user: it takes user:password')
})

test('a file has one user a line, with room for remarks', () => {
  const some = new Users()
  readUsers('# who may\r\nann:secret\r\n\n  bob:other  \n', some)
  expect(some.names).toEqual(['ann', 'bob'])
  expect(some.knows('bob', 'other')).toBe(true)
})
