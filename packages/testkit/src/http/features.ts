import type { Feature } from '../check.ts'
import { answerFeatures } from './answers.ts'
import { bodyFeatures } from './bodies.ts'
import { clientBodyFeatures } from './client-bodies.ts'
import { clientCodingFeatures } from './client-codings.ts'
import { clientConnectionFeatures } from './client-connections.ts'
import { clientFailureFeatures } from './client-failures.ts'
import { clientFetchFeatures } from './client-fetch.ts'
import { clientRequestFeatures } from './client-requests.ts'
import { encryptionFeatures } from './encryption.ts'
import { limitFeatures } from './limits.ts'
import { operationFeatures } from './operation.ts'
import { upgradeFeatures } from './upgrades.ts'
import { requestFeatures } from './web-requests.ts'
import { responseFeatures } from './web-responses.ts'

/** What HTTP does, on whichever runtime: the server, then the client. */
export const httpFeatures: Readonly<Record<string, readonly Feature[]>> = {
  'HTTP answers': answerFeatures,
  'HTTP bodies': bodyFeatures,
  'HTTP limits': limitFeatures,
  'HTTP encryption': encryptionFeatures,
  'HTTP upgrades': upgradeFeatures,
  'HTTP operation': operationFeatures,
  'HTTP web requests': requestFeatures,
  'HTTP web responses': responseFeatures,
  'HTTP client requests': clientRequestFeatures,
  'HTTP client bodies': clientBodyFeatures,
  'HTTP client codings': clientCodingFeatures,
  'HTTP client connections': clientConnectionFeatures,
  'HTTP client failures': clientFailureFeatures,
  'HTTP client fetch': clientFetchFeatures,
}
