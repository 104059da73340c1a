import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Of test/ and examples/: files without a browser that measure nothing and share nothing. They run beside each other. */
const SIDE_BY_SIDE = [
  'test/{alerts,arrows,auth-away,auth-cli,cache-user-rights,cache-users,cli,denied-addresses,docs,fuzz,health,house,kpis,media-moderation,parity,server-api,server-sdk}.test.ts',
  'test/{bench,media-simulation,revocation,room-events,sdk-package,sdk-session,simulation,start,supply-chain,trace,turn-rotation}.test.ts',
  'test/{webhooks,webhooks-failures,webhooks-losses,workflows}.test.ts',
  'examples/{circuit-breaker,observability,reuse-constructs}/*.test.ts',
];

/** With a browser, and mostly waiting for it: two at a time. What counts frames or gaps, or opens many pages, runs alone. */
const BROWSERS = [
  'test/pwa-{audience,awaits,call,captions,devices,encryption,hosting,hostile,large-room,link-preview,live,look,meeting,names,people,pip,recordings,waiting}.test.ts',
  'test/{browser-call,embed,embed-worker,encryption,encryption-packets,firefox-call,pair-protocol,public-host,pwa,react,recordings,relay-quota,sdk-call,sdk-readme,streams,streams-browser,streams-hls,streams-paths,streams-viewers,streams-webrtcbin}.test.ts',
  'examples/telehealth/*.test.ts',
  // Without one, and mostly waiting as well.
  'test/{canary,cluster-faults,soak,storm}.test.ts',
];

/** The programs of instances, with Janus and coturn under them: they wait, and load nothing of the CDK. */
const INSTANCES = 'infra/{media-node,hls-packager,turn-node}/**/*.test.ts';

/** For files that mostly wait, for timers and for processes of their own: two a core. */
const WAITING = 2 * availableParallelism();

/**
 * Units run beside their source. `*.integration.test.ts` beside them start a server program (Redis, coturn); `npm test -- quick` leaves
 * them out. What crosses apps runs from test/: with a browser or a measurement one file at a time.
 */
export default defineConfig({
  test: {
    // One worker a core, not one less.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'apps/*/src/**/*.test.ts',
            'apps/*/src/**/*.test.tsx',
            'test/simulation/*.test.ts',
          ],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**'],
          testTimeout: 30_000,
          maxWorkers: WAITING,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['packages/*/src/**/*.integration.test.ts', 'apps/*/src/**/*.integration.test.ts', INSTANCES],
          // They start processes.
          testTimeout: 240_000,
          hookTimeout: 240_000,
          maxWorkers: WAITING,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'infra',
          include: ['infra/**/*.test.ts'],
          exclude: [INSTANCES, '**/node_modules/**'],
          // aws-cdk-lib takes seconds to load: once a worker, not once a file.
          isolate: false,
          globalSetup: ['infra/test/own-tmp.ts'],
          // own-tmp.ts adds TMPDIR.
          env: {},
          sequence: { groupOrder: 1 },
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: 'system-side-by-side',
          include: SIDE_BY_SIDE,
          maxWorkers: WAITING,
          testTimeout: 240_000,
          hookTimeout: 240_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'browser',
          include: BROWSERS,
          testTimeout: 240_000,
          hookTimeout: 240_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
          // Asks for a container engine; scripts/test-containers.mjs brings the containers up and runs it.
          exclude: ['test/{containers*,simulation/*}.test.ts', ...SIDE_BY_SIDE, ...BROWSERS, '**/node_modules/**'],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          // Alone: these measure, or run many processes.
          sequence: { groupOrder: 4 },
        },
      },
      ...(process.env.TANDEM_CONTAINERS
        ? [
            {
              test: {
                name: 'containers',
                include: ['test/containers*.test.ts'],
                fileParallelism: false,
                testTimeout: 240_000,
                hookTimeout: 240_000,
              },
            },
          ]
        : []),
    ],
  },
});
