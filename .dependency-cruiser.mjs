/**
 * Which folder may import which, and that no file is part of an import circle. `npm run arrows` and CI run it; types count as imports.
 * @type {import('dependency-cruiser').IConfiguration}
 */

/** Tests may import what they test from outside. */
const TESTS = String.raw`\.test\.tsx?$|/testing(/|[.-])|/fuzz/`;

/** What each folder may import of ours, beside itself. A public entry of a package is its `exports` in package.json. */
const MAY_IMPORT = {
  'packages/protocol': [],
  'packages/rtc': ['packages/protocol'],
  'packages/server': [],
  'packages/embed': [],
  // Room ids are read by one rule; it is built into the package.
  'packages/react': ['packages/rtc', 'packages/protocol'],
  'packages/cli': ['packages/server', 'packages/rtc'],
  'packages/service': ['packages/protocol'],
  'apps/client': [
    'packages/react',
    'packages/rtc',
    'packages/protocol',
    'packages/embed/src/messages.ts',
    'packages/embed/src/embed-error.ts',
  ],
  'apps/auth': ['packages/service', 'packages/protocol'],
  'apps/signaling': ['packages/service', 'packages/protocol'],
  'apps/hooks': ['packages/service', 'packages/protocol'],
  'apps/captions': ['packages/service', 'packages/protocol'],
  // Of the apps infra knows the configuration only.
  // The media node's agent is a signaling peer: it has the SDK's session, and reads access tokens.
  infra: [
    'packages/service',
    'packages/rtc',
    'packages/protocol',
    'apps/auth/src/config.ts',
    'apps/signaling/src/config.ts',
    'apps/hooks/src/config.ts',
    'apps/captions/src/config.ts',
    'apps/client/src/config.ts',
    'apps/client/src/look.ts',
  ],
};

export default {
  forbidden: [
    {
      name: 'no-circle',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^react/canary$' } },
    {
      name: 'one-guard',
      comment: 'Dependencies are called through packages/service/src/resilience.ts alone.',
      severity: 'error',
      from: { pathNot: '^packages/service/src/resilience\\.ts$' },
      to: { path: 'node_modules/cockatiel' },
    },
    ...Object.entries(MAY_IMPORT).map(([folder, others]) => ({
      name: `arrows-of-${folder.replace('/', '-')}`,
      severity: 'error',
      from: { path: `^${folder}/`, pathNot: TESTS },
      to: {
        path: '^(packages|apps|infra|test|bench|examples)/',
        pathNot: [folder, ...others].map((p) => `^${p}`).join('|'),
      },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: String.raw`(^|/)(out|\.next|dist|cdk\.out[^/]*)/` },
    parser: 'swc',
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
