import type { Address } from '../address.ts'
import { ListenError } from '../errors.ts'
import { ListenerBase } from '../listener-base.ts'
import type { Accept } from '../listener.ts'
import type { MemoryConnection } from './connection.ts'

/** The listeners of this process by name. */
const listening = new Map<string, MemoryListener<never, never, never>>()

/** Listens on a name instead of a port. */
export class MemoryListener<C extends MemoryConnection<In, Out>, In, Out = In> extends ListenerBase<
  C,
  In,
  Out
> {
  readonly address: Address & { kind: 'memory' }
  /** What connections here carry: bytes and messages share their names, and do not meet. */
  readonly kind: unknown

  constructor(name: string, kind: unknown, accept: Accept<C, In> | undefined) {
    super(accept)
    this.kind = kind
    this.address = { kind: 'memory', name }
    this.#claim()
  }

  static find(name: string): MemoryListener<never, never, never> | undefined {
    return listening.get(name)
  }

  /** Takes the far end of a pair that somebody connects with. */
  take(connection: C): void {
    this.adopt(connection)
  }

  protected unlisten(): Promise<void> {
    listening.delete(this.address.name)
    return Promise.resolve()
  }

  protected async relisten(): Promise<void> {
    this.#claim()
  }

  #claim(): void {
    const { name } = this.address
    if (listening.has(name)) {
      throw new ListenError(`Cannot listen on memory:${name}: name is in use`, { peer: this.address })
    }
    listening.set(name, this as unknown as MemoryListener<never, never, never>)
  }
}
