// What the tests use of this folder; suite.d.mts has its types.

export { cases, sections } from './list.mjs'
export { programs, start } from './program.mjs'
export { examineAll, examineEach, ways } from './runner.mjs'
