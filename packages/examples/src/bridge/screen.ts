/** A terminal, as far as it matters here. */
export interface Terminal {
  readonly columns: number
  readonly rows: number
  write(text: string): unknown
}

/** To the beginning of a line further up, and everything from there on erased (ECMA-48 sections 8.3.13 and 8.3.39). */
const eraseFrom = (lines: number): string => (lines === 0 ? '' : `\u001b[${lines}F\u001b[J`)

/**
 * Lines at the end of what is printed that are drawn anew in place. What is printed through it comes above them; what is
 * printed past it would leave a copy of them behind.
 */
export class Screen {
  readonly #terminal: Terminal
  #drawn: readonly string[] = []

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** How many lines can be drawn: those that have scrolled away cannot be erased. */
  get room(): number {
    return Math.max(this.#terminal.rows - 1, 1)
  }

  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.room).map((line) => cut(line, this.#terminal.columns))
    if (shown.join('\n') !== this.#drawn.join('\n')) this.#write([], shown)
  }

  print(line: string): void {
    this.#write([line], this.#drawn)
  }

  /** In one go, so that nothing flickers. */
  #write(above: readonly string[], lines: readonly string[]): void {
    const text = [...above, ...lines].map((line) => `${line}\n`).join('')
    this.#terminal.write(eraseFrom(this.#height()) + text)
    this.#drawn = lines
  }

  /** Rows of what is drawn: a terminal that was made narrower has broken its lines. */
  #height(): number {
    const { columns } = this.#terminal
    return this.#drawn.reduce((rows, line) => rows + Math.max(Math.ceil(line.length / columns), 1), 0)
  }
}

function cut(line: string, columns: number): string {
  return line.length > columns ? `${line.slice(0, columns - 1)}…` : line
}
