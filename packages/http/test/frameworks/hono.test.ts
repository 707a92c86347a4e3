import { testHono } from './hono.ts'

testHono()
