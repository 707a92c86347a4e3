import { formatSize } from '../size.ts'

/** What the bridge has done so far. */
export interface Counts {
  /** Connections now, and since the start. */
  readonly open: number
  readonly opened: number
  /** Who was not let in, or led nowhere. */
  readonly refused: number
  /** Bytes from the clients to the targets, and from there. */
  readonly there: number
  readonly back: number
  /** Datagrams that nobody could take; undefined where there are none. */
  readonly dropped?: number | undefined
}

/** Milliseconds over which a rate is taken. */
const span = 2_000
/** Lines of what ended last. */
const most = 5

interface Sample {
  readonly at: number
  readonly there: number
  readonly back: number
}

/** The counters as lines for a terminal, with rates out of what was counted in the last two seconds. */
export class Board {
  readonly #last: string[] = []
  readonly #samples: Sample[] = []

  /** Of what ended last. */
  add(line: string): void {
    this.#last.push(line)
    if (this.#last.length > most) this.#last.shift()
  }

  /** `now` in milliseconds, never less than before. */
  lines(counts: Counts, now: number): string[] {
    const { open, opened, refused, there, back, dropped = 0 } = counts
    const { perSecond, sample } = this.#since({ at: now, there, back })
    const facts = [`${open} open`, `${opened} so far`]
    if (refused > 0) facts.push(`${refused} refused`)
    if (dropped > 0) facts.push(`${dropped} ${dropped === 1 ? 'datagram' : 'datagrams'} dropped`)
    const row = (label: string, bytes: number, before: number): string =>
      `  ${label.padEnd(9)} ${formatSize(bytes).padEnd(9)} ${formatSize((bytes - before) * perSecond)}/s`
    return [
      `  Clients   ${facts.join(', ')}`,
      row('There', there, sample.there),
      row('Back', back, sample.back),
      ...(this.#last.length > 0 ? ['', ...this.#last.map((line) => `  ${line}`)] : []),
    ]
  }

  /** The sample to compare with. */
  #since(newest: Sample): { perSecond: number; sample: Sample } {
    this.#samples.push(newest)
    while ((this.#samples[1]?.at ?? Infinity) <= newest.at - span) this.#samples.shift()
    const sample = this.#samples[0] ?? newest
    const passed = newest.at - sample.at
    return { perSecond: passed > 0 ? 1_000 / passed : 0, sample }
  }
}
