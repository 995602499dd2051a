export * from './codecs.ts'
export * from './field.ts'
