import { udpBinary, udpText } from '../src/fixtures/udp.ts'
import { describeConnection, describeListener } from '../src/vitest.ts'

describeConnection('udp text', udpText)
describeListener('udp text', udpText)
describeConnection('udp binary', udpBinary)
describeListener('udp binary', udpBinary)
