/** Two lists paired by name, in order: the longest common part, and the runs between. */

export type Run<T> =
  | { readonly kind: 'pair'; readonly a: T; readonly b: T }
  | { readonly kind: 'run'; readonly a: readonly T[]; readonly b: readonly T[] }

export function paired<T>(a: readonly T[], b: readonly T[], nameOf: (t: T) => string): Run<T>[] {
  const [n, m] = [a.length, b.length]
  const names = [a.map(nameOf), b.map(nameOf)] as const
  const equal = (i: number, j: number): boolean => names[0][i] === names[1][j]
  let head = 0
  while (head < n && head < m && equal(head, head)) head++
  let tail = 0
  while (tail < n - head && tail < m - head && equal(n - 1 - tail, m - 1 - tail)) tail++

  const [rows, columns] = [n - head - tail, m - head - tail]
  const longest = Array.from({ length: rows + 1 }, () => new Uint16Array(columns + 1))
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = columns - 1; j >= 0; j--) {
      longest[i]![j] = equal(head + i, head + j)
        ? longest[i + 1]![j + 1]! + 1
        : Math.max(longest[i + 1]![j]!, longest[i]![j + 1]!)
    }
  }
  const out: Run<T>[] = []
  const pair = (i: number, j: number): void => void out.push({ kind: 'pair', a: a[i]!, b: b[j]! })
  for (let i = 0; i < head; i++) pair(i, i)
  let [left, right]: [T[], T[]] = [[], []]
  const flush = (): void => {
    if (left.length + right.length > 0) out.push({ kind: 'run', a: left, b: right })
    ;[left, right] = [[], []]
  }
  for (let [i, j] = [0, 0]; i < rows || j < columns;) {
    if (i < rows && j < columns && equal(head + i, head + j)) {
      flush()
      pair(head + i++, head + j++)
    } else if (j >= columns || (i < rows && longest[i + 1]![j]! >= longest[i]![j + 1]!)) left.push(a[head + i++]!)
    else right.push(b[head + j++]!)
  }
  flush()
  for (let k = tail; k > 0; k--) pair(n - k, m - k)
  return out
}
