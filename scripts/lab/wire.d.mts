export interface Arrival {
  readonly round: number
  readonly by: string
  readonly number?: number
  readonly page: Buffer
}
export function arrivals(
  vmstate: object,
  connections: readonly Buffer[],
): { blocks: Map<string, Map<number, Arrival[]>>; rounds: number }
export function lastOf(history: readonly Arrival[]): { page: Buffer; torn: boolean }
