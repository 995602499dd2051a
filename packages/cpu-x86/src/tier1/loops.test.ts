import { Func, I32 } from '@godwit/wasm-encoder'
import { expect, test } from 'vitest'
import { Emit } from '../wasm/emit.ts'
import { pruneEntries } from './entries.ts'
import { splitHeads } from './loop-heads.ts'
import { flagsLiveIn } from './liveness.ts'
import type { Region } from './region.ts'
import { decode } from '../decode/decode.ts'
import { Structure } from './structure.ts'

const entriesOf = (edges: number[][], marked: number[], root: number, fixed: number[] = []): number[] => {
  return [...pruneEntries(edges, new Set(marked), new Set(fixed), root)]
}

test('A loop keeps the entry where control comes to it anyway, and loses those in its middle.', () => {
  // 0 -> 1 -> 2 -> 1, 2 -> 3
  expect(entriesOf([[1], [2], [1, 3], []], [0, 1, 2, 3], 0)).toEqual([0, 1, 3])
  expect(entriesOf([[1], [2], [1, 3], []], [0, 1, 2, 3], 0, [2])).toEqual([0, 1, 2, 3])
})

test('A loop that nothing leads to is entered at its root, or else somewhere.', () => {
  expect(entriesOf([[1], [2], [0]], [0, 1, 2], 1)).toEqual([1])
  expect(entriesOf([[], [2], [1]], [1, 2], 0)).toEqual([1])
})

test('A head of two loops becomes two, and the inner loop keeps the head.', () => {
  // 0 -> 0, 0 -> 1 -> 0, 1 -> 2
  const { edges, entries, behind, leads } = splitHeads({ edges: [[0, 1], [0, 2], []], entries: [0] })
  expect(edges).toEqual([[0, 1], [3, 2], [], [0]])
  expect(entries).toEqual([3])
  expect([...behind]).toEqual([[3, 0]])
  expect([leads(0, 0), leads(1, 0), leads(1, 2)]).toEqual([0, 3, 2])
})

test('Loops of one size, and one that is entered in its middle, stay as they are.', () => {
  const twins = [[1, 2], [0], [0]]
  expect(splitHeads({ edges: twins, entries: [0] }).edges).toEqual(twins)
  const middle = [[1], [0, 2], [0]]
  expect(splitHeads({ edges: middle, entries: [0, 1] }).edges).toEqual(middle)
})

test('Flags must be right where a block begins that may be left before it sets them.', () => {
  const block = (hex: string): Region['blocks'][number] => {
    const bytes = Buffer.from(hex, 'hex')
    const insns = []
    for (let at = 0; at < bytes.length; at += insns.at(-1)!.length) {
      const from = at
      insns.push(decode((i) => bytes[from + i]!, 32))
    }
    return { insns } as unknown as Region['blocks'][number]
  }
  // mov eax, ecx; jmp | mov eax, ecx; add eax, ecx; mov [ebx], eax | mov [ebx], eax; add eax, ecx
  const blocks = ['89c8eb00', '89c801c88903', '890301c8'].map(block)
  expect(flagsLiveIn({ blocks, entries: [], instructions: 0 })).toEqual([true, false, true])
})

test('A loop that is entered at its head and at a loop inside stays two loops.', () => {
  // 0 -> 1 -> 1, 1 -> 2 -> 0, 2 -> 3
  const edges = [[1], [1, 2], [0, 3], []]
  const func = new Func([I32], [I32])
  const e = new Emit(func)
  let open = 0
  const depths: number[] = []
  const loop = e.loop.bind(e)
  e.loop = (body) => {
    open++
    loop(body)
    open--
  }
  const structure = new Structure(e, { edges, entries: [0, 1] }, (n) => {
    depths[n] = open
    for (const to of edges[n]!) structure.go(to)
  })
  structure.emit(0)
  expect(depths).toEqual([1, 2, 1, 0])
})
