import { testH3 } from './h3.ts'

testH3()
