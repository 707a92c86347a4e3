// oxlint-disable-next-line import/no-unassigned-import -- it is imported for what it does
import '../../src/globals.ts'
import { testH3 } from './h3.ts'

testH3()
