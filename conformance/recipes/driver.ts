import { expect } from 'vitest'

import type { Recipe } from './recipes.ts'
import { Running, type StartOptions } from './running.ts'

/** Starts a recipe, plays whoever is at the other end, and looks at what becomes of it. */
export type Driver = (recipe: Recipe) => Promise<void>

/** For a program that ends by itself: it prints what stands behind its `console.log`s. */
export async function printsItsComments(recipe: Recipe, options?: StartOptions): Promise<void> {
  const comments = [...recipe.code.matchAll(/console\.log\(.*\)\)?,? \/\/ (.+)$/gm)]
  const expected = comments.flatMap(([, comment = '']) => comment.split(', then '))
  const running = await Running.start(recipe, options)
  await running.endsWell()
  expect(running.output.trimEnd().split('\n')).toEqual(expected)
  expect(expected).not.toEqual([])
}
