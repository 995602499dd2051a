export type Spoil = (bytes: Buffer, offset: number, connection: number) => { pass: Buffer; cut?: boolean }
export function openLink(
  path: string,
  target: string,
  options: { keep?: boolean; spoil?: Spoil },
): Promise<{ forward(): Buffer[]; close(): void }>
