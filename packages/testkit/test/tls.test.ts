import { tlsBytes, tlsLengthPrefixed } from '../src/fixtures/tls.ts'
import { describeConnection, describeListener } from '../src/vitest.ts'

describeConnection('tls', tlsBytes)
describeListener('tls', tlsBytes)
describeConnection('length-prefixed over tls', tlsLengthPrefixed)
describeListener('length-prefixed over tls', tlsLengthPrefixed)
