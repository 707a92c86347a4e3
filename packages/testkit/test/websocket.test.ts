import { connectUdpBinary } from '../src/fixtures/websocket-udp.ts'
import { webSocketBinary, webSocketCompressed, webSocketText } from '../src/fixtures/websocket.ts'
import { describeConnection, describeFeatures, describeListener } from '../src/vitest.ts'
import { webSocketFeatures } from '../src/websocket/features.ts'

describeConnection('websocket text', webSocketText)
describeListener('websocket text', webSocketText)
describeConnection('websocket binary', webSocketBinary)
describeListener('websocket binary', webSocketBinary)
describeConnection('compressed websocket', webSocketCompressed)
describeConnection('udp by connect-udp', connectUdpBinary)
for (const [label, features] of Object.entries(webSocketFeatures)) describeFeatures(label, features)
