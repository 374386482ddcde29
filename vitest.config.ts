import { defineConfig } from 'vitest/config';

// One project a tier; the folder says what a tier needs. `npm test` runs those that need no Docker.
const tier = (name: string, include: string[], options: object = {}) => ({
  test: { name, include, environment: 'node', ...options },
});

// Tiers that start Envoy or measure: one file at a time, or they steal each other's two cores.
const serial = { fileParallelism: false, testTimeout: 60_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    projects: [
      tier('unit', ['runtime/**/*.test.ts', 'examples/**/*.test.ts'], { testTimeout: 30_000 }),
      tier('golden', ['test/golden/*.test.ts'], { testTimeout: 30_000 }),
      tier('filters', ['test/filters/**/*.test.ts', 'test/vectors/**/*.test.ts', 'test/bench/**/*.test.ts'], {
        testTimeout: 60_000,
      }),
      tier('envoy', ['test/envoy/**/*.test.ts'], serial),
      tier('compose', ['test/compose/**/*.test.ts'], { ...serial, testTimeout: 300_000, hookTimeout: 900_000 }),
    ],
  },
});
