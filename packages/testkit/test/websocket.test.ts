import { webSocketBinary, webSocketText } from '../src/fixtures/websocket.ts'
import { describeConnection, describeListener } from '../src/vitest.ts'

describeConnection('websocket text', webSocketText)
describeListener('websocket text', webSocketText)
describeConnection('websocket binary', webSocketBinary)
describeListener('websocket binary', webSocketBinary)
