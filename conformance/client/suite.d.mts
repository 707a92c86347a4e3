export interface Case {
  readonly id: string
  readonly rule: string
  readonly needs: readonly string[]
  readonly expect: unknown
  readonly ours?: unknown
}

/** A client under examination. */
export interface Adapter {
  readonly name: string
  readonly can: ReadonlySet<string>
}

export const cases: readonly Case[]
export const sections: readonly { readonly section: string; readonly cases: readonly Case[] }[]
export const ours: Adapter
export function applies(adapter: Adapter, one: Case): boolean
export function examineAll(
  adapter: Adapter,
  cases: readonly Case[],
  options: { readonly whole: boolean },
): Promise<Map<string, string>>
