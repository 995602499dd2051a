export { manualTime, type ManualTime } from './time.ts'
