export interface Case {
  readonly id: string
  readonly rule: string
  readonly own?: boolean
  readonly heavy?: boolean
  readonly only?: readonly string[]
  readonly each?: unknown
  readonly send?: unknown
  readonly expect?: unknown
}

export interface Running {
  readonly port: number
  readonly secure: boolean
  running(): boolean
  stop(): Promise<void>
}

export type Way = 'whole' | 'with the handshake' | 'byte by byte'

export const cases: readonly Case[]
export const sections: readonly { readonly section: string; readonly cases: readonly Case[] }[]
export const programs: { readonly [name in 'fairlead' | 'fairlead on node:http' | 'ws']: URL }
export const ways: readonly Way[]
export function start(program: URL, options?: { readonly tls?: boolean }): Promise<Running>
export function examineEach(
  start: () => Promise<Running>,
  cases: readonly Case[],
  options: { readonly way: Way; readonly tries?: number },
): Promise<Map<string, string>>
export function examineAll(
  server: { readonly port: number; readonly secure: boolean },
  cases: readonly Case[],
  options: { readonly way: Way; readonly tries?: number },
): Promise<Map<string, string>>
