/** Who is in the room, read from the hub's notices. */
export class People {
  #names = new Set()
  #line

  constructor(line) {
    this.#line = line
  }

  /** Returns whether the notice was the whole list. */
  notice(text) {
    const [, all] = /^here: (.*)$/.exec(text) ?? []
    const [, who, change, renamed] = /^(\S+) (joined|left|is now (\S+))$/.exec(text) ?? []
    if (all !== undefined) this.#names = new Set(all.split(', '))
    else if (change === 'joined') this.#names.add(who)
    else if (who !== undefined) this.#names.delete(who)
    if (renamed !== undefined) this.#names.add(renamed)
    this.#line.textContent = [...this.#names].join(', ')
    return all !== undefined
  }
}
