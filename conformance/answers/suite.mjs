// What the tests use of this folder; suite.d.mts has its types.

export { complaints } from './compare.mjs'
export { cellsOf, tableIn, tableOf } from './page.mjs'
export { run } from './run.mjs'
export { keeping } from './servers.mjs'
