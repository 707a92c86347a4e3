import { tcpBytes, tcpLines } from '../src/fixtures/tcp.ts'
import { describeConnection, describeListener } from '../src/vitest.ts'

describeConnection('tcp', tcpBytes)
describeListener('tcp', tcpBytes)
describeConnection('lines over tcp', tcpLines)
describeListener('lines over tcp', tcpLines)
