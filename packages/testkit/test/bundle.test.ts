import { bundleBinary, bundleText } from '../src/fixtures/bundle.ts'
import { describeConnection, describeListener } from '../src/vitest.ts'

describeConnection('text bundles over udp', bundleText)
describeListener('text bundles over udp', bundleText)
describeConnection('binary bundles over udp', bundleBinary)
describeListener('binary bundles over udp', bundleBinary)
