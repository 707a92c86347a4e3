import { varyOn } from '../coding/vary.ts'
import { describe } from './describe.ts'
import { mediaType } from './media-type.ts'
import type { OpenFile } from './open-file.ts'
import type { Precompressed } from './options.ts'
import type { Representation } from './representation.ts'
import type { Root } from './root.ts'
import type { FilesSettings } from './settings.ts'

/** What is sent, and what is said of it. Whoever has it closes the file. */
export interface Chosen {
  readonly file: OpenFile
  readonly told: Representation
}

/** Under which path a file stands, and by which names it is opened. */
export interface Named {
  readonly segments: readonly string[]
  readonly path: string
  /** The field of a request that made it this one. */
  readonly vary?: string
}

const suffixes: Readonly<Record<Precompressed, string>> = { br: '.br', zstd: '.zst', gzip: '.gz' }

/**
 * The file, or what stands beside it in a coding that is taken.
 *
 * @throws what an application's callbacks throw; then nothing is open.
 */
export async function choose(
  root: Root,
  file: OpenFile,
  named: Named,
  codings: readonly Precompressed[],
  settings: FilesSettings,
): Promise<Chosen> {
  const { segments } = named
  for (const coding of codings) {
    // One that cannot be opened is as if it were not there.
    const name = [...segments.slice(0, -1), segments.at(-1)! + suffixes[coding]]
    const beside = await root.open(name).catch(() => undefined)
    if (beside?.stats.isFile()) {
      file.close()
      return { file: beside, told: await tell(beside, named, settings, coding) }
    }
    beside?.close()
  }
  return { file, told: await tell(file, named, settings) }
}

async function tell(
  file: OpenFile,
  { segments, path, vary }: Named,
  settings: FilesSettings,
  coding?: Precompressed,
): Promise<Representation> {
  const { types, cacheControl, etag, download, headers, precompressed } = settings
  const name = segments.at(-1)!
  try {
    return await describe(file, {
      name,
      type: mediaType(name, types),
      cacheControl: cacheControl(path),
      etag,
      download: download(path),
      headers: headers(path),
      coding,
      vary: precompressed.length > 0 ? varyOn(vary ?? null, 'Accept-Encoding') : vary,
    })
  } catch (error) {
    file.close()
    throw error
  }
}
