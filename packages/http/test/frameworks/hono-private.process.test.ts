// oxlint-disable-next-line import/no-unassigned-import -- it is imported for what it does
import './private-state.ts'
import { expect, test } from 'vitest'

import { testHono } from './hono.ts'
import { run } from './program.ts'

testHono()

test("requests are the runtime's own then, and responses are read through their streams", async () => {
  const { prototype } = Request
  await using program = await run(
    (request) => new Response(String(Object.getPrototypeOf(request) === prototype)),
  )
  expect(await (await program.ask('/')).text()).toBe('true')
  expect(program.errors).toEqual([])
})
