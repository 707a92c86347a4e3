import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'

/**
 * Standard input and output, in lines. Where a person sits at both, there is a prompt, and what is printed comes
 * above what is just being typed.
 */
export class Terminal {
  /** Whether a person sits there. */
  readonly interactive = process.stdin.isTTY && process.stdout.isTTY
  /** The lines that are typed, from the first one on. Ends with the input. */
  readonly lines: AsyncIterable<string>
  readonly #reader: Interface
  #prompting = this.interactive

  constructor() {
    const { stdin: input, stdout: output } = process
    this.#reader = createInterface({ input, prompt: '> ', ...(this.interactive && { output }) })
    // What comes before somebody iterates the reader itself would be lost.
    this.lines = this.#reader[Symbol.asyncIterator]()
    // A terminal in raw mode gives Ctrl-C as a key.
    this.#reader.on('SIGINT', () => process.emit('SIGINT'))
    // By Ctrl-D, for one: what is printed from now on has no prompt below.
    this.#reader.on('close', () => {
      if (this.#prompting) this.#erase()
      this.#prompting = false
    })
    // Nobody reads any more.
    output.on('error', () => process.emit('SIGINT'))
  }

  print(line: string): void {
    if (this.#prompting) this.#erase()
    process.stdout.write(`${line}\n`)
    this.prompt()
  }

  /** Shows what is being typed, behind the prompt. */
  prompt(): void {
    if (this.#prompting) this.#reader.prompt(true)
  }

  /** Gives the terminal back as it was. */
  close(): void {
    this.#reader.close()
  }

  #erase(): void {
    moveCursor(process.stdout, 0, -this.#reader.getCursorPos().rows)
    cursorTo(process.stdout, 0)
    clearScreenDown(process.stdout)
  }
}
