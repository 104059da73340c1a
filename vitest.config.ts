import { defineConfig } from 'vitest/config';

/**
 * Units run beside their source. `*.integration.test.ts` beside them start a server program (Redis, coturn); `npm test -- quick` leaves
 * them out. What crosses apps runs from test/, one file at a time (each owns processes).
 */
export default defineConfig({
  test: {
    // Most tests wait for processes and timers: one worker a core, not one less.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'apps/*/src/**/*.test.tsx'],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**'],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['packages/*/src/**/*.integration.test.ts', 'apps/*/src/**/*.integration.test.ts'],
          // They start processes.
          testTimeout: 120_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'infra',
          include: ['infra/**/*.test.ts'],
          sequence: { groupOrder: 1 },
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
          // Asks for a container engine; scripts/test-containers.mjs brings the containers up and runs it.
          exclude: ['test/containers.test.ts', '**/node_modules/**'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          // Alone: these measure, or run many processes.
          sequence: { groupOrder: 2 },
        },
      },
      ...(process.env.TANDEM_CONTAINERS
        ? [
            {
              test: {
                name: 'containers',
                include: ['test/containers.test.ts'],
                testTimeout: 240_000,
                hookTimeout: 240_000,
              },
            },
          ]
        : []),
    ],
  },
});
