/** By header. */
export type Answer = Readonly<Record<string, string>>

export interface Row {
  readonly id: string
  readonly section: string
  readonly answers: { readonly Fairlead: Answer; readonly sirv: Answer; readonly nginx?: Answer }
}

export interface Reason {
  readonly why: string
  readonly server?: string
  readonly throughout?: boolean
}

/** Some of the servers that are asked. */
export type Servers = Readonly<Record<string, unknown>>

export const keeping: Servers
export function run(servers?: Servers): Promise<readonly Row[]>
export function complaints(rows: readonly Row[], reasons: readonly Reason[]): readonly string[]
/** Markdown of a run. */
export function tableOf(rows: readonly Row[], reasons: readonly Reason[]): string
/** The cells of a table, by request and by column. */
export function cellsOf(table: string): ReadonlyMap<string, Readonly<Record<string, string>>>
/** What stands between the marks of a page. */
export function tableIn(page: string): string
