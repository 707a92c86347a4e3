import { unixBytes, unixNetstrings } from '../src/fixtures/unix.ts'
import { describeConnection, describeListener } from '../src/vitest.ts'

describeConnection('unix', unixBytes)
describeListener('unix', unixBytes)
describeConnection('netstrings over unix', unixNetstrings)
describeListener('netstrings over unix', unixNetstrings)
