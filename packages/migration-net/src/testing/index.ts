export { FakeMachine, type FakeOptions } from './fake-machine.ts'
export { FakePace } from './pace.ts'
