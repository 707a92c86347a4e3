import { ListenError, type SocketError } from '@fairlead/core'

import type { GroupSocket } from './group-socket.ts'
import { checkGroup } from './group.ts'
import { type InterfaceWatch, interfaceWatch } from './interface-watch.ts'
import { GroupMembership, type JoinOptions, type Membership, nowhere } from './membership.ts'

/** The groups that one socket is in. */
export class Memberships {
  readonly #socket: GroupSocket
  readonly #family: 4 | 6
  readonly #troubled: (error: SocketError) => void
  readonly #watch: InterfaceWatch
  readonly #members = new Map<string, GroupMembership>()
  #stop: (() => void) | undefined

  /** `troubled` is told of interfaces that do not take a group, and of callbacks that fail. */
  constructor(
    socket: GroupSocket,
    family: 4 | 6,
    troubled: (error: SocketError) => void,
    watch: InterfaceWatch = interfaceWatch,
  ) {
    this.#socket = socket
    this.#family = family
    this.#troubled = troubled
    this.#watch = watch
  }

  /**
   * Joins a group on every interface, or on those that the options name.
   *
   * @throws TypeError that says what is wrong with the group or the options; ListenError when the group is
   *   joined already, or when not one interface takes it.
   */
  join(address: string, options: JoinOptions = {}): Membership {
    const group = checkGroup(address, this.#family, options)
    const key = `${group.host} ${group.source ?? ''}`
    if (this.#members.has(key)) {
      throw new ListenError(`Cannot join ${group.host}: the socket has joined it already`, { phase: 'join' })
    }
    const member = new GroupMembership({
      socket: this.#socket,
      group,
      options: { ...options, ...(options.interfaces && { interfaces: [...options.interfaces] }) },
      troubled: this.#troubled,
      released: () => this.#release(key),
    })
    const change = member.follow(this.#watch.look())
    if (change.joined.length === 0) throw nowhere(group, change)
    this.#members.set(key, member)
    this.#stop ??= this.#watch.watch((interfaces) => {
      for (const each of this.#members.values()) each.tell(each.follow(interfaces))
    })
    queueMicrotask(() => member.tell(change))
    return member
  }

  /** The socket is closed, or about to be: the system leaves all groups by itself. */
  end(): void {
    for (const member of this.#members.values()) member.end()
    this.#members.clear()
    this.#unwatch()
  }

  #release(key: string): void {
    this.#members.delete(key)
    if (this.#members.size === 0) this.#unwatch()
  }

  #unwatch(): void {
    this.#stop?.()
    this.#stop = undefined
  }
}
