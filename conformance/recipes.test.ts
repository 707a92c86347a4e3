import { afterEach, expect, test } from 'vitest'

import { drivers } from './recipes/drivers.ts'
import { recipes } from './recipes/recipes.ts'
import { Running } from './recipes/running.ts'

afterEach(() => Running.stopAll())

test('every recipe has a driver, and every driver a recipe', () => {
  expect(recipes.map(({ name }) => name).toSorted()).toEqual([...drivers.keys()].toSorted())
})

test.each(recipes)('$name', async (recipe) => {
  await drivers.get(recipe.name)?.(recipe)
})
