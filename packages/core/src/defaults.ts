/** Milliseconds that `close()` waits for the peer when nothing else was said. */
export const defaultGrace = 5_000

/** Bytes of output above which `write` answers false. */
export const defaultHighWaterMark = 64 * 1024

/** Connections that may wait to be taken from a listener that is iterated. */
export const defaultAcceptBacklog = 128
