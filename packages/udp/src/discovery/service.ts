import { LimitError } from '@fairlead/core'
import { checkOptions } from '@fairlead/core/transport'

import { isPlain, maxText } from './text.ts'

/**
 * Facts about a service, small and flat, like the TXT record of DNS-SD (RFC 6763 section 6): up to 32 keys of
 * 1 to 63 bytes, each with a value of up to 255 bytes.
 */
export type ServiceData = Readonly<Record<string, string>>

/** What is announced. Texts are plain: no control characters, no changes of direction. Sizes are in UTF-8. */
export interface Service {
  /** What is offered, and what others ask for: 1 to 63 bytes. */
  readonly type: string
  /** Who offers it, for people to read: up to 63 bytes. Need not be unique. Default empty. */
  readonly name?: string
  /** The port at which the service itself is reached, 1 to 65535. */
  readonly port: number
  /** More about it. Everybody on the network can read it. Default nothing. */
  readonly data?: ServiceData
}

/** What of a service may change while it is announced. */
export type ServiceUpdate = Partial<Omit<Service, 'type'>>

export const maxLabel = 63
export const maxEntries = 32
/** Bytes of a datagram, which so passes nearly every path whole (RFC 8085 section 3.2). */
export const maxDatagram = 1_200

/** A copy of `service` with all in it; refuses by name what cannot be announced. */
export function checkService(service: Service): Required<Service> {
  checkOptions('announce', service)
  const { type, name = '', port, data = {} } = service
  checkType(type)
  checkText('name', name, maxLabel)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new RangeError(`Invalid option port: ${String(port)} is not an integer from 1 to 65535`)
  }
  return Object.freeze({ type, name, port, data: checkData(data) })
}

export function checkType(type: string): void {
  checkText('type', type, maxLabel)
  if (type === '') throw new RangeError('Invalid option type: must not be empty')
}

function checkData(data: ServiceData): ServiceData {
  if (typeof data !== 'object' || data === null) {
    throw new TypeError('Invalid option data: must be an object of strings')
  }
  const entries = Object.entries(data)
  if (entries.length > maxEntries) {
    const message = `Invalid option data: ${entries.length} keys are more than ${maxEntries}`
    throw new LimitError(message, { limit: 'data', value: entries.length })
  }
  for (const [key, value] of entries) {
    if (key === '') throw new RangeError('Invalid option data: a key must not be empty')
    checkText('data', key, maxLabel)
    checkText(`data.${key}`, value, maxText)
  }
  return dataFrom(entries)
}

/** Without a prototype: `__proto__` is a key like any other. */
export function dataFrom(entries: Iterable<readonly [string, string]>): ServiceData {
  const data = Object.create(null) as Record<string, string>
  for (const [key, value] of entries) data[key] = value
  return Object.freeze(data)
}

function checkText(option: string, text: string, most: number): void {
  if (typeof text !== 'string') throw new TypeError(`Invalid option ${option}: must be a string`)
  if (!isPlain(text)) throw new RangeError(`Invalid option ${option}: must be plain text without controls`)
  const value = Buffer.byteLength(text)
  if (value <= most) return
  throw new LimitError(`Invalid option ${option}: ${value} bytes are more than ${most}`, {
    limit: option,
    value,
  })
}
