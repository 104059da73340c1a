import { expect, test } from 'vitest';
import { Places } from './places.ts';

test('W-13 however many requests a number of addresses sends, there is a place for the next one; who is done gives theirs back', async () => {
  const places = new Places(100);
  const { promise, resolve } = Promise.withResolvers<string>();
  const ask = (address: string) => places.hold(address, () => promise).catch(({ code }) => code);
  const flood = Array.from({ length: 1000 }, (_, i) => ask(`mallory ${i % 9}`));
  const viewer = ask('ada');
  // One alone gets half of what is left.
  const office = Array.from({ length: 100 }, () => ask('office'));
  resolve('served');
  expect(await viewer).toBe('served');
  const served = async (all: Promise<string>[]) => (await Promise.all(all)).filter((one) => one === 'served').length;
  expect(await served(flood)).toBe(90);
  expect(await served(office)).toBe(5);
  const after = await Promise.all(Array.from({ length: 50 }, () => ask('office')));
  expect(new Set(after)).toEqual(new Set(['served']));
});

test('W-13 what fails gives its place back', async () => {
  const places = new Places(1);
  const fails = () => places.hold('ada', () => Promise.reject(new Error('gone')));
  await expect(fails()).rejects.toThrow('gone');
  await expect(fails()).rejects.toThrow('gone');
});
