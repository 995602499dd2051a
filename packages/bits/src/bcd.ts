/** Two decimal digits in one byte, tens in the high nibble. */
export function toBcd(value: number): number {
  return ((((value / 10) | 0) % 10) << 4) | (value % 10)
}

export function fromBcd(byte: number): number {
  return (byte >> 4) * 10 + (byte & 0x0f)
}
