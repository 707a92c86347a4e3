import { ListenError, SocketError } from '@fairlead/core'
import { codeOf } from '@fairlead/core/transport'

import { enter, type GroupSocket, isMember, joinErrorOf, quit } from './group-socket.ts'
import type { Group } from './group.ts'
import type { NetworkInterface } from './interfaces.ts'
import { placesOf } from './multicast-interface.ts'

/** Options of `join`. */
export interface JoinOptions {
  /**
   * The only sender that is heard: source-specific multicast (RFC 4607), for which 232.0.0.0/8 and ff3x::/32
   * are set aside. A literal unicast address. Default: all are heard.
   */
  source?: string
  /** Where to join, by name or address. Default: on every interface of the socket's family, loopback too. */
  interfaces?: readonly string[]
  /**
   * Told what became of the call, right after it has returned, and later whenever that changes. What it throws
   * goes to the socket's `onTrouble`.
   */
  onChange?(change: MembershipChange): void | Promise<void>
}

/** What changed about a membership; interfaces by name. */
export interface MembershipChange {
  /** Joined now; once more, if they had been taken away and made again. */
  readonly joined: readonly string[]
  /** Gone, with the membership there. They are joined again when they come back. */
  readonly left: readonly string[]
  /** Not joined, each told once for each reason; the others are not concerned. It is tried again and again. */
  readonly failed: readonly MembershipFailure[]
}

/** An interface on which a group was not joined, by its name, or as the option `interfaces` named it. */
export interface MembershipFailure {
  readonly interface: string
  readonly error: SocketError
}

/**
 * A socket's membership in a multicast group, kept up while interfaces come and go: each is looked after
 * every 5 seconds. It ends with `leave`, or with the socket.
 */
export interface Membership {
  /** The group's address, in canonical form. */
  readonly group: string
  /** The only sender that is heard, if one was named. */
  readonly source: string | undefined
  /** The names of the interfaces on which the group is joined now; a new list at each reading. */
  readonly interfaces: readonly string[]
  /** Leaves the group on all interfaces, without a word to `onChange`. May be called again, to no effect. */
  leave(): void
}

/** What a membership is made of. */
export interface MembershipParts {
  readonly socket: GroupSocket
  readonly group: Group
  readonly options: JoinOptions
  /** A callback failed, or an interface did. */
  troubled(error: SocketError): void
  /** It has been left. */
  released(): void
}

interface Change extends MembershipChange {
  readonly joined: string[]
  readonly left: string[]
  readonly failed: MembershipFailure[]
}

/** The {@link Membership} of a socket of the runtime. */
export class GroupMembership implements Membership {
  readonly #parts: MembershipParts
  /** By name, the form in which each interface was joined. */
  readonly #joined = new Map<string, string>()
  /** Those that went while they were joined, and that the system may or may not have forgotten. */
  readonly #lapsed = new Map<string, string>()
  /** By name, why each was not joined, as it was told. */
  readonly #failed = new Map<string, string>()
  #over = false

  constructor(parts: MembershipParts) {
    this.#parts = parts
  }

  get group(): string {
    return this.#parts.group.host
  }

  get source(): string | undefined {
    return this.#parts.group.source
  }

  get interfaces(): readonly string[] {
    return [...this.#joined.keys()]
  }

  leave(): void {
    if (this.#over) return
    const { socket, group, released } = this.#parts
    for (const form of [...this.#joined.values(), ...this.#lapsed.values()]) quit(socket, group, form)
    this.end()
    released()
  }

  /** The socket is closed, and the system has forgotten everything. */
  end(): void {
    this.#over = true
    this.#joined.clear()
    this.#lapsed.clear()
  }

  /** Joins where it should and has not yet; to be called whenever interfaces may have changed. */
  follow(interfaces: readonly NetworkInterface[]): MembershipChange {
    const change: Change = { joined: [], left: [], failed: [] }
    const { group, options } = this.#parts
    const { forms, missing } = placesOf(interfaces, group.family, options.interfaces)
    for (const [name, form] of this.#joined) this.#review(name, form, forms.get(name), change)
    for (const name of this.#failed.keys()) {
      if (!forms.has(name) && !missing.includes(name)) this.#failed.delete(name)
    }
    for (const [name, [form = '']] of forms) this.#join(name, form, change)
    for (const name of missing) this.#fail(name, Object.assign(new Error(name), { code: 'ENODEV' }), change)
    return change
  }

  /** Tells whom it concerns, if there is something to tell. */
  tell(change: MembershipChange): void {
    const { joined, left, failed } = change
    if (this.#over || joined.length + left.length + failed.length === 0) return
    for (const { error } of failed) this.#parts.troubled(error)
    void this.#call(change)
  }

  async #call(change: MembershipChange): Promise<void> {
    try {
      await this.#parts.options.onChange?.(change)
    } catch (error) {
      this.#parts.troubled(SocketError.from(error, 'Membership callback failed'))
    }
  }

  /** Gives up what was joined in a form that is no more: the interface is gone, or that address of it. */
  #review(name: string, form: string, forms: readonly string[] | undefined, change: Change): void {
    if (forms?.includes(form)) return
    this.#joined.delete(name)
    if (!forms) change.left.push(name)
    const { socket, group } = this.#parts
    // The runtime reads the zone of an interface that is gone as "any": it would leave the group elsewhere.
    if (group.family === 6) this.#lapsed.set(name, form)
    else quit(socket, group, form)
  }

  #join(name: string, preferred: string, change: Change): void {
    const { socket, group } = this.#parts
    const known = this.#joined.get(name)
    try {
      // Where it is joined, this is refused; unless the interface was taken away and made again between two
      // looks, and the system has forgotten the membership.
      enter(socket, group, known ?? preferred)
    } catch (error) {
      if (known !== undefined) return
      if (!this.#lapsed.has(name) || !isMember(error)) return this.#fail(name, error, change)
    }
    this.#joined.set(name, known ?? preferred)
    this.#lapsed.delete(name)
    this.#failed.delete(name)
    change.joined.push(name)
  }

  #fail(name: string, error: unknown, change: Change): void {
    const code = codeOf(error)
    if (this.#failed.get(name) === code) return
    this.#failed.set(name, code)
    change.failed.push({ interface: name, error: joinErrorOf(this.#parts.group, name, error) })
  }
}

/** That a group was joined nowhere. */
export function nowhere({ host, family }: Group, { failed }: MembershipChange): ListenError {
  const [first] = failed
  if (first && failed.length === 1) return first.error
  const why = first
    ? `no interface takes it; ${first.error.message}`
    : `no interface has an IPv${family} address`
  return new ListenError(`Cannot join ${host}: ${why}`, { phase: 'join', cause: first?.error })
}
