import { memoryBytes, memoryLines, memoryMessages, memoryQueue } from '../src/fixtures/memory.ts'
import { describeConnection, describeListener } from '../src/vitest.ts'

describeConnection('memory bytes', memoryBytes)
describeListener('memory bytes', memoryBytes)
describeConnection('memory messages', memoryMessages)
describeListener('memory messages', memoryMessages)
describeConnection('lines over memory', memoryLines)
describeListener('lines over memory', memoryLines)
describeConnection('send queue over memory', memoryQueue)
describeListener('send queue over memory', memoryQueue)
