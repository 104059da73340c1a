/**
 * What blur, noise reduction, encryption and captions load when somebody switches them on: a worker, a worklet, WebAssembly and a model, all from
 * packages, in a folder named after what is in it. Below `_next/static/`, where every host keeps files for good.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { PICTURES } from '../src/media/effects/pictures.ts';

const require = createRequire(import.meta.url);
const TWILIO = '@twilio/video-processors';
const RNNOISE = '@sapphi-red/web-noise-suppressor';

const packed = async (file: string) => gzipSync(await readFile(require.resolve(file)), { level: 9 });

const picture = async (client: string, name: string): Promise<[string, Uint8Array]> => [
  `${name}.webp`,
  await readFile(path.join(client, `assets/backdrops/${name}.webp`)),
];

async function bundled(entry: string, format: 'iife' | 'esm'): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format,
    target: 'es2022',
    // The segmenter's loader asks for them in Node only.
    external: ['fs', 'path'],
    write: false,
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

/** The texts that go with what is copied. The model and RNNoise bring none in their packages: THIRD-PARTY.md has theirs. */
async function licences(client: string): Promise<Uint8Array> {
  const files = [
    path.join(client, 'THIRD-PARTY.md'),
    require.resolve(`${TWILIO}/LICENSE.md`),
    path.resolve(path.dirname(require.resolve(RNNOISE)), '../LICENSE'),
  ];
  return new TextEncoder().encode((await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n---\n\n'));
}

export interface Effects {
  /** Below the base path. */
  readonly address: string;
  readonly bytes: number;
  write(out: string): Promise<void>;
}

export async function buildEffects(client: string): Promise<Effects> {
  const files: Record<string, Uint8Array> = {
    'blur-worker.js': await bundled(path.join(client, 'src/media/effects/blur-worker.ts'), 'iife'),
    'captions-worklet.js': await bundled(path.join(client, 'src/media/captions-worklet.ts'), 'esm'),
    'encryption-worker.js': await bundled(require.resolve('@tandem/rtc/encryption-worker'), 'iife'),
    // Gzipped here and named so that no host adds an encoding of its own.
    'segmenter.bin': await packed(`${TWILIO}/dist/build/tflite-simd-1-0-0.wasm`),
    'model.bin': await packed(`${TWILIO}/dist/build/selfie_segmentation_landscape.tflite`),
    ...Object.fromEntries(await Promise.all(PICTURES.map((name) => picture(client, name)))),
    'rnnoise-worklet.js': await bundled(require.resolve(`${RNNOISE}/rnnoiseWorklet.js`), 'esm'),
    'rnnoise.bin': await packed(`${RNNOISE}/rnnoise_simd.wasm`),
    'licences.txt': await licences(client),
  };
  const hash = createHash('sha256');
  for (const [name, content] of Object.entries(files)) hash.update(name).update(content);
  const address = `/_next/static/effects-${hash.digest('hex').slice(0, 16)}`;
  return {
    address,
    bytes: Object.values(files).reduce((sum, { length }) => sum + length, 0),
    async write(out) {
      const folder = path.join(out, address);
      await mkdir(folder, { recursive: true });
      for (const [name, content] of Object.entries(files)) await writeFile(path.join(folder, name), content);
    },
  };
}
