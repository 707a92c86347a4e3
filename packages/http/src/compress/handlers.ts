import type { ServeContext } from '../web/serve-context.ts'
import type { Given } from './answer.ts'

/** What may be wrapped: a handler as `serve` takes it, and frameworks export it. */
export type Wrappable<T extends Given> = (
  request: Request,
  context: ServeContext,
  executionContext: ServeContext,
) => T | Promise<T>

/**
 * A handler around another one, which gives what that gives: for `serve`, and inside a framework's route. The contexts
 * are passed on; called without them, it calls the other one without them, too.
 */
export type WrappedHandler<T> = (
  request: Request,
  context?: ServeContext,
  executionContext?: ServeContext,
) => Rewritten<T> | Promise<Rewritten<T>>

/** An answer of whatever class is another one behind it. */
type Rewritten<T> = Response | Exclude<T, Response>
