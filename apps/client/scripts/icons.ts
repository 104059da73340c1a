/** Renders the PNG icons from icon.svg, the poster of link previews from poster.svg, and the pictures of assets/backdrops; run after a change of one: `npm run icons -w @tandem/client`. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';

const folder = path.resolve(import.meta.dirname, '../public/icons');
const svg = await readFile(path.join(folder, 'icon.svg'), 'utf8');
// Systems cut maskable icons to their own shape: fill the square and keep the mark inside the safe 80 %.
const full = svg.replace('rx="116" ', '');
const maskable = full.replace('translate(64 64) scale(12)', 'translate(96 96) scale(10)');

const outputs = [
  { file: 'icon-192.png', source: svg, size: 192 },
  { file: 'icon-512.png', source: svg, size: 512 },
  { file: 'maskable-512.png', source: maskable, size: 512 },
  { file: 'apple-touch-icon.png', source: full, size: 180 },
];
for (const { file, source, size } of outputs)
  await sharp(Buffer.from(source), { density: 300 })
    .resize(size, size)
    .png({ palette: true })
    .toFile(path.join(folder, file));
// 1200 × 630: what previews of links show large (The Open Graph protocol names no size; Facebook's guide "Sharing images" does).
await sharp(path.join(folder, '../../scripts/poster.svg'), { density: 72 })
  .resize(1200, 630)
  .png({ palette: true })
  .toFile(path.join(folder, 'poster.png'));
// Pictures behind people, as effects.ts ships them.
const backdrops = path.resolve(import.meta.dirname, '../assets/backdrops');
for (const name of ['study', 'hills', 'plain'])
  await sharp(path.join(backdrops, `${name}.svg`), { density: 96 })
    .resize(1280, 720)
    .webp({ quality: 82 })
    .toFile(path.join(backdrops, `${name}.webp`));
