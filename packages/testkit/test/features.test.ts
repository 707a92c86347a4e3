import { streamFeatures } from '../src/tcp/features.ts'
import { describeFeatures } from '../src/vitest.ts'

for (const [label, features] of Object.entries(streamFeatures)) describeFeatures(label, features)
