import { createHash, type Hash } from 'node:crypto'

import { FileError } from '../disk/file-error.ts'
import type { Seals } from '../disk/save.ts'
import { refused } from './refused.ts'

/** Those of RFC 9530 section 5 that are any good, and bytes of each. */
const known: Readonly<Record<string, { readonly name: string; readonly size: number }>> = {
  'sha-256': { name: 'sha256', size: 32 },
  'sha-512': { name: 'sha512', size: 64 },
}

/** What a field says of the body. */
interface Claim {
  readonly field: string
  readonly algorithm: string
  /** In base64. */
  readonly digest: string
}

/**
 * The digests that a request has of its own body (RFC 9530 sections 2 and 3), to be computed while it comes; undefined
 * where it has none that anybody here knows. Of a body that is neither encoded nor a range, both fields say the same.
 *
 * @throws HttpProtocolError for one that cannot be a digest: its sender wanted it to be looked at.
 */
export function sealsOf(path: string, headers: Headers): Seals | undefined {
  const claims = ['Content-Digest', 'Repr-Digest'].flatMap((field) => claimsOf(field, headers.get(field)))
  if (claims.length === 0) return undefined
  const hashes = new Map<string, Hash>()
  for (const { algorithm } of claims) hashes.set(algorithm, createHash(known[algorithm]!.name))
  return {
    update(chunk) {
      for (const hash of hashes.values()) hash.update(chunk)
    },
    check() {
      const digests = new Map(Array.from(hashes, ([algorithm, hash]) => [algorithm, hash.digest('base64')]))
      for (const { field, algorithm, digest } of claims) {
        if (digests.get(algorithm) === digest) continue
        const why = `its ${algorithm} is ${digests.get(algorithm)}, not ${digest}, as ${field} says`
        throw new FileError(path, why, 'ERR_FAIRLEAD_FILE_DIGEST')
      }
    },
  }
}

/** A dictionary of byte sequences (RFC 8941 sections 3.2 and 3.3.5): of a name that comes twice, the last one holds. */
function claimsOf(field: string, value: string | null): Claim[] {
  const claims = new Map<string, Claim>()
  for (const member of value?.split(',') ?? []) {
    const algorithm = /^[ \t]*(sha-(?:256|512))(?![\w.*-])/.exec(member)?.[1]
    if (algorithm === undefined) continue
    const [, encoded] = /^[^=]*=:([A-Za-z\d+/]+={0,2}):[ \t]*(?:;.*)?$/s.exec(member) ?? []
    const bytes = Buffer.from(encoded ?? '', 'base64')
    if (bytes.length !== known[algorithm]!.size) throw refused(`${field} has a ${algorithm} that is none`)
    claims.set(algorithm, { field, algorithm, digest: bytes.toString('base64') })
  }
  return Array.from(claims.values())
}
