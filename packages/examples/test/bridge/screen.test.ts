import { expect, test } from 'vitest'

import { Screen, type Terminal } from '../../src/bridge/screen.ts'

/** A terminal that obeys what the screen sends: lines, the beginning of a line further up, and erasing from there. */
class Paper implements Terminal {
  columns = 40
  rows = 10
  writes = 0
  #lines = ['']

  get lines(): readonly string[] {
    return this.#lines
  }

  write(text: string): void {
    this.writes++
    for (const [, up, erase, line, piece] of text.matchAll(
      /\u001b\[(\d+)F|(\u001b\[J)|([^\n\u001b]*)\n|([^\n\u001b]+)/g,
    )) {
      if (up !== undefined) this.#cursor = Math.max(0, this.#cursor - Number(up))
      else if (erase !== undefined) this.#lines.splice(this.#cursor, Infinity, '')
      else this.#type(line ?? piece ?? '', line !== undefined)
    }
  }

  #cursor = 0

  #type(text: string, ends: boolean): void {
    this.#lines[this.#cursor] = (this.#lines[this.#cursor] ?? '') + text
    if (!ends) return
    this.#lines.splice(++this.#cursor, 0, '')
  }
}

test('lines are drawn anew in place, in one write, and only when they changed', () => {
  const paper = new Paper()
  const screen = new Screen(paper)
  screen.draw(['one', 'two'])
  screen.draw(['one', 'three', 'four'])
  expect(paper.lines).toEqual(['one', 'three', 'four', ''])
  screen.draw(['one', 'three', 'four'])
  expect(paper.writes).toBe(2)
  screen.draw(['five'])
  expect(paper.lines).toEqual(['five', ''])
})

test('what is printed stands above them', () => {
  const paper = new Paper()
  const screen = new Screen(paper)
  screen.print('first')
  screen.draw(['one', 'two'])
  screen.print('second')
  screen.print('third')
  expect(paper.lines).toEqual(['first', 'second', 'third', 'one', 'two', ''])
})

test('no line is longer than the terminal is wide, and there are no more than fit', () => {
  const paper = new Paper()
  Object.assign(paper, { columns: 5, rows: 3 })
  const screen = new Screen(paper)
  expect(screen.room).toBe(2)
  screen.draw(['12345', '123456', 'more'])
  expect(paper.lines).toEqual(['12345', '1234…', ''])
})

test('lines that a narrower terminal has broken are erased with all their rows', () => {
  const written: string[] = []
  const terminal = { columns: 10, rows: 10, write: (text: string) => void written.push(text) }
  const screen = new Screen(terminal)
  screen.draw(['123456789', '', 'x'])
  terminal.columns = 4
  screen.draw(['y'])
  expect(written[1]).toBe('\u001b[5F\u001b[Jy\n')
})
