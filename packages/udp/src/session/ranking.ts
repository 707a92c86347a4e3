import { type Rank, ranks, type Seat } from './seat.ts'

/** By which of its links a seat is in an order. */
type Links = readonly [back: 'older' | 'elder', on: 'newer' | 'younger']

/** Seats in the order in which they were heard, to a tick. */
class Order<S> {
  readonly #back: Links[0]
  readonly #on: Links[1]
  oldest: Seat<S> | undefined
  #newest: Seat<S> | undefined
  size = 0

  constructor([back, on]: Links) {
    this.#back = back
    this.#on = on
  }

  /** Who was heard just now, which is the rule, is last; others may have to be put further ahead. */
  add(seat: Seat<S>): void {
    const [back, on] = [this.#back, this.#on]
    let before = this.#newest
    while (before && before.heardAt > seat.heardAt) before = before[back]
    const behind = before ? before[on] : this.oldest
    seat[back] = before
    seat[on] = behind
    if (before) before[on] = seat
    else this.oldest = seat
    if (behind) behind[back] = seat
    else this.#newest = seat
    this.size++
  }

  remove(seat: Seat<S>): void {
    const [back, on] = [this.#back, this.#on]
    const [before, behind] = [seat[back], seat[on]]
    if (before) before[on] = behind
    else this.oldest = behind
    if (behind) behind[back] = before
    else this.#newest = before
    seat[back] = seat[on] = undefined
    this.size--
  }
}

/** Seats by rank, and in each rank in the order in which they were heard. */
export class Ranking<S> {
  readonly #links: Links
  readonly #orders: Partial<Record<Rank, Order<S>>> = {}
  size = 0

  constructor(links: Links) {
    this.#links = links
  }

  add(seat: Seat<S>): void {
    const order = (this.#orders[seat.rank] ??= new Order(this.#links))
    order.add(seat)
    this.size++
  }

  remove(seat: Seat<S>): void {
    this.#orders[seat.rank]?.remove(seat)
    this.size--
  }

  /** Who gives way first; of those that had their share when they have more than half of `limit` places. */
  first(limit: number): Seat<S> | undefined {
    const { [ranks.vacant]: vacant, [ranks.unproved]: unproved, [ranks.spent]: spent } = this.#orders
    if (spent && spent.size > Math.ceil(limit / 2)) return spent.oldest
    const validated = this.#orders[ranks.validated]
    return vacant?.oldest ?? unproved?.oldest ?? spent?.oldest ?? validated?.oldest
  }

  /** Of each rank the seats in order, the lowest first. */
  get orders(): readonly { readonly oldest: Seat<S> | undefined }[] {
    return Object.values(this.#orders)
  }
}
