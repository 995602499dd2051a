import { FakeMachine } from '@godwit/migration-net/testing'
import type { RunnableMachine } from '../machine-shape.ts'

/** The fake machine with what control needs on top; its guest's slices run on the event loop. */
export class FakeRunnable extends FakeMachine implements RunnableMachine {
  readonly events: RunnableMachine['events'] = {}

  override start(): void {
    if (this.runState === 'shutdown') return
    super.start()
  }

  override resume(): void {
    super.resume()
    const turn = (): void => {
      if (!this.running) return
      this.step()
      setImmediate(turn)
    }
    setImmediate(turn)
  }

  stop(): void {
    this.pause()
    this.runState = 'paused'
  }

  reset(byGuest = false): void {
    this.log.push('reset')
    this.events.onReset?.(byGuest)
  }

  powerButton(): void {
    this.log.push('power button')
  }

  /** The guest powers off. */
  powerOff(status = 0): void {
    this.pause()
    this.runState = 'shutdown'
    this.events.onShutdown?.('guest-shutdown', status)
  }
}
