export interface Case {
  readonly id: string
  readonly rule: string
  readonly send: unknown
  readonly expect: unknown
}

export interface Running {
  readonly port: number
  running(): boolean
  stop(): Promise<void>
}

export const cases: readonly Case[]
export const sections: readonly { readonly section: string; readonly cases: readonly Case[] }[]
export const programs: { readonly fairlead: URL; readonly 'node:http': URL }
export const rich: URL
export function start(program: URL): Promise<Running>
export function examineAll(
  port: number,
  cases: readonly Case[],
  options: { readonly whole: boolean; readonly tries?: number },
): Promise<Map<string, string>>
