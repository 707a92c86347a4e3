/** How far a body has come. */
export interface Progress {
  /** Bytes of the body so far: of an upload those given to the system, of a download those received, decoded. */
  readonly bytes: number
  /** Of the whole body, where it is known. Of an encoded download it is not. */
  readonly total: number | undefined
}
