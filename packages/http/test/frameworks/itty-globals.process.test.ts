// oxlint-disable-next-line import/no-unassigned-import -- it is imported for what it does
import '../../src/globals.ts'
import { testItty } from './itty.ts'

testItty()
