export { FakeMachine, type FakeOptions } from './fake-machine.ts'
export { memoryLink, type MemoryLink } from './link.ts'
export { FakePace } from './pace.ts'
