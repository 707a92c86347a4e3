import { normalValue } from '../web/header-list.ts'
import { contentTag } from './content-tag.ts'
import { disposition } from './disposition.ts'
import { statTag, withCoding } from './entity-tag.ts'
import { givenFields } from './given-fields.ts'
import type { OpenFile } from './open-file.ts'
import type { FileOptions, Precompressed } from './options.ts'
import { type Representation, representationOf } from './representation.ts'

/** How an open file is told of. */
export interface Description extends Omit<FileOptions, 'type'> {
  /** Its own. */
  readonly name: string
  readonly type: string
  readonly coding?: Precompressed | undefined
  /** The fields of a request that it depends on. Default none. */
  readonly vary?: string | undefined
}

/** What an answer with this file says of it. @throws what reading it throws, where its tag is of its content. */
export async function describe(file: OpenFile, description: Description): Promise<Representation> {
  const { name, type, cacheControl, etag = 'stat', download = false, headers, coding, vary } = description
  const own = etag === false ? undefined : etag === 'stat' ? statTag(file.stats) : await contentTag(file)
  return representationOf(file.stats, {
    type,
    etag: own !== undefined && coding !== undefined ? withCoding(own, coding) : own,
    cacheControl: cacheControl === undefined ? undefined : normalValue(cacheControl),
    coding,
    vary,
    disposition: download === false ? undefined : disposition(download === true ? name : download),
    more: headers === undefined ? [] : givenFields(headers),
  })
}
