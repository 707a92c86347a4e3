// What the tests use of this folder; suite.d.mts has its types.

export { cases, sections } from './list.mjs'
export { programs, rich, start } from './program.mjs'
export { examineAll } from './runner.mjs'
