/** FXSAVE images of the recorded cases, to and from the CPU area. */
import { S } from '../state.ts'
import { flagImage } from '../flags.ts'
import { updateFpuBlocks } from './blocks.ts'
import { IMAGE } from './cases.ts'
import { MEMORY, type SingleStep } from './testing.ts'

export function loadImage(step: SingleStep, image: Uint8Array): void {
  const { view, base } = step
  const from = new DataView(image.buffer, image.byteOffset)
  const bytes = step.host.bytes
  bytes.fill(0, base, base + S.end)
  view.setUint32(base + S.cr4, 0x600, true)
  view.setUint32(base + S.cr0, 0x21, true)
  const fsw = from.getUint16(IMAGE.fsw, true)
  const top = (fsw >> 11) & 7
  view.setUint32(base + S.fpuControl, from.getUint16(IMAGE.fcw, true), true)
  view.setUint32(base + S.fpuTop, top, true)
  // As FXRSTOR does: the summary follows from flags and masks.
  const pending = (fsw & 0x3f & ~from.getUint16(IMAGE.fcw, true)) !== 0
  view.setUint32(base + S.fpuStatus, (fsw & 0x477f) | (pending ? 0x8080 : 0), true)
  view.setUint32(base + S.mxcsr, from.getUint32(IMAGE.mxcsr, true), true)
  for (let i = 0; i < 8; i++) {
    const p = (top + i) & 7
    bytes.set(image.subarray(IMAGE.st + 16 * i, IMAGE.st + 16 * i + 10), base + S.fpr + 16 * p)
    bytes[base + S.fpuEmpty + i] = (image[IMAGE.ftw]! >> i) & 1 ? 0 : 1
  }
  bytes.set(image.subarray(IMAGE.xmm, IMAGE.xmm + 256), base + S.xmm)
  bytes.set(image.subarray(IMAGE.rax, IMAGE.rax + 16), base + S.gpr)
  view.setBigUint64(base + S.gpr + 56, BigInt(MEMORY), true)
  bytes.set(image.subarray(IMAGE.memory), MEMORY)
  // All arithmetic flags clear.
  view.setUint32(base + S.flagRes, 1, true)
  updateFpuBlocks(view, base)
}

export function saveImage(step: SingleStep, before: Uint8Array): Uint8Array {
  const { view, base } = step
  const image = before.slice()
  const to = new DataView(image.buffer)
  const bytes = step.host.bytes
  const top = view.getUint32(base + S.fpuTop, true)
  to.setUint16(IMAGE.fcw, view.getUint32(base + S.fpuControl, true), true)
  to.setUint16(IMAGE.fsw, view.getUint32(base + S.fpuStatus, true) | (top << 11), true)
  to.setUint32(IMAGE.mxcsr, view.getUint32(base + S.mxcsr, true), true)
  let tags = 0
  for (let i = 0; i < 8; i++) {
    const p = (top + i) & 7
    const at = base + S.fpr + 16 * p
    image.set(bytes.subarray(at, at + 10), IMAGE.st + 16 * i)
    if (bytes[base + S.fpuEmpty + i] === 0) tags |= 1 << i
  }
  image[IMAGE.ftw] = tags
  image.set(bytes.subarray(base + S.xmm, base + S.xmm + 256), IMAGE.xmm)
  image.set(bytes.subarray(base + S.gpr, base + S.gpr + 16), IMAGE.rax)
  image.set(bytes.subarray(MEMORY, MEMORY + 128), IMAGE.memory)
  return image
}

export function savedFlags(step: SingleStep): number {
  const { view, base } = step
  return flagImage(
    view.getInt32(base + S.flagRes, true),
    view.getInt32(base + S.flagRes + 4, true),
    view.getInt32(base + S.flagCv + 4, true),
    view.getInt32(base + S.flagAux, true),
  )
}
