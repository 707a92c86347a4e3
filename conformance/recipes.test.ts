import { expect, test } from 'vitest'

import { drivers } from './recipes/drivers.ts'
import { recipes } from './recipes/recipes.ts'
import { Running } from './recipes/running.ts'

test('every recipe has a driver, and every driver a recipe', () => {
  expect(recipes.map(({ name }) => name).toSorted()).toEqual([...drivers.keys()].toSorted())
})

// Each waits for programs of its own more than it computes.
test.concurrent.each(recipes)('$name', async (recipe) => {
  try {
    await drivers.get(recipe.name)?.(recipe)
  } finally {
    await Running.stop(recipe)
  }
})
