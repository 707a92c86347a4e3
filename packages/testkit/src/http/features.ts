import type { Feature } from '../check.ts'
import { answerFeatures } from './answers.ts'
import { bodyFeatures } from './bodies.ts'
import { encryptionFeatures } from './encryption.ts'
import { limitFeatures } from './limits.ts'
import { operationFeatures } from './operation.ts'
import { upgradeFeatures } from './upgrades.ts'
import { requestFeatures } from './web-requests.ts'
import { responseFeatures } from './web-responses.ts'

/** What an HTTP server does, on whichever runtime. */
export const httpFeatures: Readonly<Record<string, readonly Feature[]>> = {
  'HTTP answers': answerFeatures,
  'HTTP bodies': bodyFeatures,
  'HTTP limits': limitFeatures,
  'HTTP encryption': encryptionFeatures,
  'HTTP upgrades': upgradeFeatures,
  'HTTP operation': operationFeatures,
  'HTTP web requests': requestFeatures,
  'HTTP web responses': responseFeatures,
}
