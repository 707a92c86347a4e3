import type { Socket } from 'node:dgram'

import { ListenError } from '@fairlead/core'
import { codeOf, reasonOf } from '@fairlead/core/transport'

import type { Group } from './group.ts'

/** What memberships need of a socket of the runtime. */
export type GroupSocket = Pick<
  Socket,
  'addMembership' | 'dropMembership' | 'addSourceSpecificMembership' | 'dropSourceSpecificMembership'
>

/** Joins on one interface (RFC 3678 section 4.1); `form` is how the system takes it. @throws the runtime's error. */
export function enter(socket: GroupSocket, { host, source }: Group, form: string): void {
  if (source === undefined) socket.addMembership(host, form)
  else socket.addSourceSpecificMembership(source, host, form)
}

/** Leaves on one interface; what the system has forgotten already counts as left. */
export function quit(socket: GroupSocket, { family, host, source }: Group, form: string): void {
  try {
    if (source === undefined) socket.dropMembership(host, form)
    else socket.dropSourceSpecificMembership(source, host, form)
  } catch (error) {
    if (source === undefined || family === 6 || codeOf(error) !== 'ENODEV') return
    // With the address gone, Linux finds what it keeps for the source only as a membership in the whole group;
    // left there, it would count against the limit for as long as the socket lives.
    quit(socket, { family, host, source: undefined }, form)
  }
}

/** Whether the system says that it is a member already; for a source, Linux says so in other words. */
export function isMember(error: unknown): boolean {
  return codeOf(error) === 'EADDRINUSE' || codeOf(error) === 'EADDRNOTAVAIL'
}

/** That `group` was not joined on the interface called `name`. */
export function joinErrorOf({ host }: Group, name: string, error: unknown): ListenError {
  const why = reasons[codeOf(error)] ?? reasonOf(error)
  return new ListenError(`Cannot join ${host} on ${name}: ${why}`, { phase: 'join', cause: error })
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the socket has joined it there already',
  EINVAL: 'the interface or the socket does not take it',
  ENOBUFS: 'the socket is in as many groups as the system allows (Linux: net.ipv4.igmp_max_memberships)',
  ENODEV: 'no such interface',
}
