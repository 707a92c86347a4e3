import { testItty } from './itty.ts'

testItty()
