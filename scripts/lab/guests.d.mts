/** A guest as the lab knows it; opaque to tests. */
export interface LabGuest {
  readonly memory: number
  args(kind: string): string[]
}
export const MACHINES: Readonly<Record<'min' | 'base', string>>
export function guestOf(
  kind: string,
  options: { folder: string; machine: string; cpu: string; say: (line: string) => void },
): Promise<LabGuest>
