// What the tests use of this folder; suite.d.mts has its types.

export { cases, sections } from './list.mjs'
export * as ours from './ours.mjs'
export { applies, examineAll } from './runner.mjs'
