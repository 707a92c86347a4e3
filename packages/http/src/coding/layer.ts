import type { SocketError } from '@fairlead/core'

import { Pieces } from '../message/pieces.ts'
import { checkBehind, codingErrorOf, truncationError } from './damage.ts'
import { type Coding, createEngine, endsBrotli, type Engine, probe } from './engines.ts'
import { ZstdFrames } from './zstd-frames.ts'

/** What a layer tells whoever stacked it. */
export interface LayerHost {
  /** Encoded bytes are wanted from now on, or no longer are. */
  layerWants(layer: Layer, wanted: boolean): void
  layerDecoded(layer: Layer, decoded: Uint8Array): void
  /** It was the last. */
  layerEnded(layer: Layer): void
  /** What it was fed with is not what its coding says; it ended itself. */
  layerFailed(error: SocketError): void
}

/** Encoded bytes that wait at most before no more are wanted, and at which more are again. */
const highWater = 128 * 1024
const lowWater = 64 * 1024

/**
 * One coding, taken off. What waits is written in one piece as soon as the engine has taken the piece before: a
 * write costs a thread's round trip, whatever is in it. The engine's own count then says whether it came to its end.
 */
export class Layer {
  readonly #coding: Coding
  readonly #host: LayerHost
  readonly #frames: ZstdFrames | undefined
  #engine: Engine | undefined
  /** Behind the frame that was written last. */
  #rest: Uint8Array | undefined
  #waiting: Pieces | undefined
  #held = 0
  #fed = 0
  #writing = false
  #finished = false
  /** Nothing more goes into the engine: its stream came to its end, or the input did. */
  #over = false
  /** All that was decoded was given. */
  #given = false
  #stopped = false
  #wanted = false
  #full = false
  #told = false

  constructor(coding: Coding, host: LayerHost) {
    this.#coding = coding
    this.#host = host
    this.#frames = coding === 'zstd' ? new ZstdFrames() : undefined
  }

  push(chunk: Uint8Array): void {
    if (this.#stopped || chunk.byteLength === 0) return
    this.#held += chunk.byteLength
    this.#waiting ??= new Pieces()
    this.#waiting.push(chunk)
    this.#pump()
    this.#tell()
  }

  /** The encoded input is at its end. */
  finish(): void {
    this.#finished = true
    this.#pump()
  }

  /** Decoded bytes are wanted from now on, or no longer are. */
  flow(wanted: boolean): void {
    if (this.#wanted === wanted || this.#stopped) return
    this.#wanted = wanted
    if (wanted) this.#engine?.resume()
    else this.#engine?.pause()
    this.#tell()
  }

  /** Nothing is told after this. */
  destroy(): void {
    this.#stopped = true
    this.#waiting = this.#rest = undefined
    this.#engine?.destroy()
  }

  #tell(): void {
    if (this.#held >= highWater) this.#full = true
    else if (this.#held <= lowWater) this.#full = false
    const wanted = this.#wanted && !this.#full
    if (this.#told === wanted || this.#finished || this.#stopped) return
    this.#told = wanted
    this.#host.layerWants(this, wanted)
  }

  #pump(): void {
    if (this.#writing || this.#stopped) return
    try {
      const chunk = this.#next()
      if (chunk === undefined) this.#settle()
      else if (this.#over) this.#drop(chunk)
      else this.#write(chunk)
    } catch (error) {
      this.#fail(error)
    }
  }

  #next(): Uint8Array | undefined {
    const chunk = this.#rest ?? this.#waiting?.whole()
    if (this.#rest === undefined) this.#waiting = undefined
    this.#rest = undefined
    if (chunk === undefined || this.#frames === undefined) return chunk
    const end = this.#frames.take(chunk)
    if (end === chunk.byteLength) return chunk
    this.#rest = chunk.subarray(end)
    return chunk.subarray(0, end)
  }

  #write(chunk: Uint8Array): void {
    const engine = (this.#engine ??= this.#create(chunk[0]!))
    this.#writing = true
    this.#fed += chunk.byteLength
    engine.write(chunk, (error) => {
      // Of an error its own event tells.
      if (error || this.#stopped) return
      this.#writing = false
      this.#held -= chunk.byteLength
      try {
        this.#judge(chunk, this.#fed - engine.bytesWritten)
      } catch (error) {
        this.#fail(error)
      }
      this.#pump()
      this.#tell()
    })
  }

  /** The engine left that many bytes of `chunk`, which it only does behind the end. */
  #judge(chunk: Uint8Array, left: number): void {
    if (left === 0) return
    this.#over = true
    checkBehind(this.#coding, chunk.subarray(chunk.byteLength - left))
  }

  #drop(chunk: Uint8Array): void {
    this.#held -= chunk.byteLength
    checkBehind(this.#coding, chunk)
    this.#pump()
  }

  /** Nothing waits: ends what has to be ended. */
  #settle(): void {
    if (!this.#finished) return
    if (this.#frames?.complete === false) throw truncationError(this.#coding)
    if (this.#engine === undefined || this.#given) {
      this.destroy()
      this.#host.layerEnded(this)
    } else if (!this.#over) {
      this.#over = true
      if (this.#coding === 'br' && !endsBrotli) this.#probe(this.#engine)
      else this.#engine.end()
    }
  }

  #probe(engine: Engine): void {
    engine.write(probe, (error) => {
      if (error || this.#stopped) return
      if (engine.bytesWritten > this.#fed) this.#fail(truncationError(this.#coding))
      else engine.end()
    })
  }

  #create(first: number): Engine {
    const engine = createEngine(this.#coding, first)
    // Paused before it is listened to, which would make it flow.
    engine.pause()
    engine.on('data', (decoded: Uint8Array) => {
      if (!this.#stopped) this.#host.layerDecoded(this, decoded)
    })
    engine.on('end', () => {
      this.#given = true
      this.#pump()
    })
    engine.on('error', (error) => this.#fail(error))
    if (this.#wanted) engine.resume()
    return engine
  }

  #fail(error: unknown): void {
    if (this.#stopped) return
    this.destroy()
    this.#host.layerFailed(codingErrorOf(this.#coding, error))
  }
}
