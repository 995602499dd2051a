/** A guest as the lab knows it; opaque to tests. */
export interface LabGuest {
  readonly memory: number
  args(kind: string): string[]
}
export const MACHINES: readonly string[]
export function guestOf(
  kind: string,
  options: { folder: string; machine: string; cpu: string; type?: string; say: (line: string) => void },
): Promise<LabGuest>
