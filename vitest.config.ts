import { defineConfig } from 'vitest/config'

const conditions = ['@godwit/source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'tests/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'tests/long/**'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    // Tests with real processes and sockets meet a busy machine: there one gets a second chance, and the report says so.
    retry: process.env['CI'] === undefined ? 0 : 1,
  },
})
