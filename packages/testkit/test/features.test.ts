import { streamFeatures } from '../src/tcp/features.ts'
import { datagramFeatures } from '../src/udp/features.ts'
import { describeFeatures } from '../src/vitest.ts'

for (const [label, features] of Object.entries({ ...streamFeatures, ...datagramFeatures })) {
  describeFeatures(label, features)
}
