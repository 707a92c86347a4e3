import { tcpBytes, tcpJsonLines } from '../src/fixtures/tcp.ts'
import { describeConnection, describeListener } from '../src/vitest.ts'

describeConnection('tcp', tcpBytes)
describeListener('tcp', tcpBytes)
describeConnection('JSON lines over tcp', tcpJsonLines)
describeListener('JSON lines over tcp', tcpJsonLines)
