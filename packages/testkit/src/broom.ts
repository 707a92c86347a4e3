import assert from 'node:assert/strict'

import type { Resource } from '@fairlead/core'

/** Destroys whatever a check left. */
export class Broom {
  readonly #resources: Resource[] = []

  keep<R extends Resource>(resource: R): R {
    this.#resources.push(resource)
    return resource
  }

  async clear(): Promise<void> {
    for (const resource of this.#resources) resource.destroy()
    for (const resource of this.#resources) await resource.closed
    for (const resource of this.#resources) assert.equal(resource.state, 'closed')
  }
}
