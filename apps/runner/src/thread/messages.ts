/** What the two threads send each other. Everything goes through one port, so it arrives in the order it was sent. */
import type { MessagePort } from 'node:worker_threads'
import type { MachineOptions, ShutdownCause } from '@godwit/machines'
import type { ZeroPageDetection } from '@godwit/migration-net'
import type { Fault } from './fault.ts'

/** Options of a machine that can cross to another thread. */
export type ThreadOptions = Omit<MachineOptions, 'wall' | 'loop' | 'trace' | 'sharedMemory'>

/** What a machine's thread is told first. */
export interface Start {
  readonly options: ThreadOptions
  readonly port: MessagePort
  readonly flags: Int32Array
  /** The guest stands still after it has reset itself, until it is told to go on. */
  readonly stopAtReset: boolean
}

/** What does not change while the machine lives. */
export interface Shape {
  readonly machineType: string
  readonly memory: SharedArrayBuffer
  readonly blocks: readonly BlockShape[]
  readonly sections: readonly SectionShape[]
  readonly sendSwitchoverStart: boolean
  readonly multifdFlushAfterEachSection: boolean
  readonly zeroPageDetection: ZeroPageDetection
  readonly suppressVmdesc: boolean
}

export interface BlockShape {
  readonly name: string
  /** Where in the memory it begins. */
  readonly offset: number
  readonly size: number
  readonly maxSize: number
  readonly usedSize: number
}

export interface SectionShape {
  readonly idstr: string
  readonly instance: number
  readonly version: number
}

/** From the owner. */
export type ToMachine =
  | { readonly kind: 'ask'; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly kind: 'typed'; readonly bytes: Uint8Array }

/** To the owner: one answer for each question, and what happens by itself. */
export type ToOwner =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly fault: Fault }
  | Happening

export type Happening =
  | { readonly kind: 'built'; readonly shape: Shape }
  | { readonly kind: 'not-built'; readonly fault: Fault }
  | { readonly kind: 'died'; readonly fault: Fault }
  | { readonly kind: 'serial'; readonly bytes: Uint8Array }
  | { readonly kind: 'debug'; readonly byte: number }
  /** The serial port has taken so many of the bytes that were typed. */
  | { readonly kind: 'took'; readonly count: number }
  | { readonly kind: 'shutdown'; readonly cause: ShutdownCause; readonly exitCode: number }
  | { readonly kind: 'reset' }
