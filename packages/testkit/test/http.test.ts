import { httpFeatures } from '../src/http/features.ts'
import { describeFeatures } from '../src/vitest.ts'

for (const [label, features] of Object.entries(httpFeatures)) describeFeatures(label, features)
