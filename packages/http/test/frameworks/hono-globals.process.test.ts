// oxlint-disable-next-line import/no-unassigned-import -- it is imported for what it does
import '../../src/globals.ts'
import { testHono } from './hono.ts'

testHono()
