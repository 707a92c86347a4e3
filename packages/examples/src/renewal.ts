import { fingerprintOf, type Identity, IdentityFiles, makeIdentity } from './certificate.ts'
import { reasonOf } from './reason.ts'

/** Milliseconds between looks at the files of the certificate. */
const lookAtCertificate = 1_000

/** Made on the spot, from files, or none: then nothing is encrypted. */
export type IdentitySource = 'made' | IdentityFiles | undefined

/** The options of a command line that say how a server proves who it is. */
export interface IdentityFlags {
  tls?: boolean
  cert?: string
  key?: string
}

/** @throws Error for what does not go together. */
export function identitySourceOf({ tls = false, cert, key }: IdentityFlags): IdentitySource {
  if ((cert === undefined) !== (key === undefined)) throw new Error('--cert and --key go together')
  return cert !== undefined && key !== undefined ? new IdentityFiles(cert, key) : tls ? 'made' : undefined
}

/** @throws Error that names the file that cannot be read. */
export async function identityOf(source: IdentitySource, host: string): Promise<Identity | undefined> {
  if (source === undefined) return undefined
  return source === 'made' ? makeIdentity(host) : source.read()
}

/** Who takes another certificate, and what is told of it. */
export interface Renewing {
  setTls(identity: Identity): Promise<void>
  /** The certificate was read again from its files. */
  renewed?(fingerprint: string): void
  trouble?(text: string): void
}

/** What the files hold by now is used for the connections that come; when it is no good, what was there before. */
export function watchIdentity(
  files: IdentitySource,
  used: Identity | undefined,
  { setTls, renewed, trouble }: Renewing,
): () => void {
  if (!(files instanceof IdentityFiles) || used === undefined) return () => {}
  let current = used
  let complaining: ReturnType<typeof setTimeout> | undefined

  async function renew(files: IdentityFiles): Promise<void> {
    const identity = await files.read()
    if (identity.cert === current.cert && identity.key === current.key) return
    await setTls(identity)
    current = identity
    clearTimeout(complaining)
    complaining = undefined
    renewed?.(fingerprintOf(identity.cert))
  }

  const changed = (): void => {
    renew(files).catch((error: unknown) => {
      const complain = (): void => trouble?.(`certificate not renewed: ${reasonOf(error)}`)
      // Two files cannot change at once: the other one may be about to.
      clearTimeout(complaining)
      complaining = setTimeout(complain, 2 * lookAtCertificate).unref()
    })
  }
  const stop = files.watch(changed, lookAtCertificate)
  return () => {
    stop()
    clearTimeout(complaining)
  }
}
