/** The SDK as somebody else gets it: built, packed, installed without anything of ours, imported, type-checked. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { BUDGET, measure } from '../packages/rtc/size.ts';
import { examplesOf } from './support/packed.ts';

const rtc = new URL('../packages/rtc/', import.meta.url).pathname;

test('npm pack gives a package that works and type-checks alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-rtc-'));
  try {
    execFileSync(process.execPath, [join(rtc, 'build.ts')], { stdio: 'pipe' });
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', join(rtc, 'dist'), '--json', '--pack-destination', folder], {
        encoding: 'utf8',
        stdio: 'pipe',
      }),
    ) as { filename: string; files: { path: string }[] }[];
    if (!packed) throw new Error('npm pack said nothing');
    const paths = packed.files.map((f) => f.path);
    expect(paths).toEqual(expect.arrayContaining(['index.js', 'README.md', 'package.json', 'types/index.d.ts']));
    expect(paths.filter((p) => p.includes('test'))).toEqual([]);
    const manifest = JSON.parse(readFileSync(join(rtc, 'dist/package.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest.dependencies, 'nothing else is needed').toBeUndefined();

    execFileSync('mkdir', ['-p', join(folder, 'node_modules/@tandem/rtc')]);
    execFileSync('tar', [
      '-xzf',
      join(folder, packed.filename),
      '--strip-components=1',
      '-C',
      join(folder, 'node_modules/@tandem/rtc'),
    ]);
    expect(existsSync(join(folder, 'node_modules/@tandem/rtc/index.js'))).toBe(true);
    // The examples of the README, as they stand there; the second one goes on with names of the first.
    const [example = '', encrypted = ''] = examplesOf(readFileSync(join(rtc, 'README.md'), 'utf8'));
    expect(example).toContain('new Call(');
    writeFileSync(join(folder, 'example.ts'), example);
    expect(encrypted, 'a call without ICE servers has no TURN').toContain('getIceServers');
    writeFileSync(
      join(folder, 'encrypted.ts'),
      `import { Call, type CallOptions, type SignalingSession } from '@tandem/rtc';
declare const session: SignalingSession;
declare const roomId: string;
declare const secret: string;
declare const stream: MediaStream;
declare const getIceServers: NonNullable<CallOptions['getIceServers']>;
${encrypted}`,
    );
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          target: 'es2022',
          module: 'nodenext',
          strict: true,
          noEmit: true,
          types: [],
          skipLibCheck: false,
          lib: ['es2022', 'dom', 'dom.iterable', 'dom.asynciterable', 'esnext.disposable'],
        },
        files: ['example.ts', 'encrypted.ts'],
      }),
    );
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const tsc = createRequire(import.meta.url)
      .resolve('typescript/package.json')
      .replace('package.json', 'bin/tsc');
    execFileSync(process.execPath, [tsc, '-p', folder], { stdio: 'inherit' });
    // A backend has no DOM: the session's types need none.
    writeFileSync(
      join(folder, 'backend.ts'),
      `import { type SessionEvents, SignalingSession } from '@tandem/rtc/session';
const session = new SignalingSession({ url: 'wss://example.org/ws/signal', getToken: async () => 'token' });
const joined: Promise<SessionEvents['joined']> = session.once('joined');
void joined.then(({ peers }) => session.kick(peers[0]?.peerId ?? ''));
`,
    );
    writeFileSync(
      join(folder, 'backend.json'),
      JSON.stringify({
        compilerOptions: {
          target: 'es2022',
          module: 'nodenext',
          strict: true,
          noEmit: true,
          types: [],
          skipLibCheck: false,
          lib: ['es2022', 'esnext.disposable'],
        },
        files: ['backend.ts'],
      }),
    );
    execFileSync(process.execPath, [tsc, '-p', join(folder, 'backend.json')], { stdio: 'inherit' });
    const names = execFileSync(
      process.execPath,
      ['-e', "import('@tandem/rtc').then((m) => console.log(Object.keys(m).sort().join()))"],
      { cwd: folder, encoding: 'utf8' },
    ).trim();
    expect(names.split(',')).toEqual(
      expect.arrayContaining(['Call', 'GiveUp', 'GiveUpError', 'SignalingError', 'SignalingSession', 'mos']),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('size: the whole SDK within its budget', async () => {
  const { gzip } = await measure();
  console.log(`@tandem/rtc: ${gzip} B gzip of ${BUDGET}`);
  expect(gzip).toBeLessThanOrEqual(BUDGET);
});

test('a page that imports the SDK loads nothing of the encryption, which is a module of its own', async () => {
  const inputsOf = async (entry: string) => {
    const options = { bundle: true, write: false, metafile: true, format: 'esm', platform: 'browser' } as const;
    const { metafile } = await build({ ...options, entryPoints: [join(rtc, entry)] });
    return Object.keys(metafile.inputs).filter((path) => path.includes('src/encryption/'));
  };
  expect(await inputsOf('src/index.ts')).toEqual([]);
  expect((await inputsOf('src/encryption/index.ts')).length).toBeGreaterThan(0);
});
