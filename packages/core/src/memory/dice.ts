/** Chances that fall the same way for the same seed: the "minimal standard" generator of Park and Miller. */
export class Dice {
  #state: number

  constructor(seed: number) {
    if (!Number.isSafeInteger(seed)) throw new RangeError(`Invalid option seed: ${seed} is not an integer`)
    this.#state = (Math.abs(seed) % 2_147_483_646) + 1
    // Seeds that are neighbours give neighbours at first.
    for (let rounds = 0; rounds < 4; rounds++) this.roll()
  }

  /** From 0 up to, but not including, 1. */
  roll(): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647
    return (this.#state - 1) / 2_147_483_646
  }
}
