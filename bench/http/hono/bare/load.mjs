export { load } from '../load.mjs'
