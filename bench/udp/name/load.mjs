export { load } from '../sink.mjs'
