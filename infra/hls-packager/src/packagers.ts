/** One ffmpeg for each folder of the media node that has a session description. */
import { access, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProgram } from '../../node-kit/child-process.ts';
import type { Say } from '../../node-kit/retry.ts';
import { packagerArguments } from './ffmpeg.ts';
import { ALIVE, DESCRIPTION, ENDED, isFolderId, OVER } from './shared-folder.ts';

/** Calls go before it: of nice(2). */
const PRIORITY = 10;
/** Between two looks, ms. */
const LOOK_MS = 200;
/** A node that has not written for this time is gone, ms: it writes each second. */
const SILENT_MS = 10_000;
/** Lines of one ffmpeg that are said, and how much of each: more says nothing new. */
const LINES = 10;
const LINE_LENGTH = 300;

export interface PackagersOptions {
  /** That of the media node; it need not be there yet. */
  readonly folder: string;
  /** IPv4 address on which media comes. Default 127.0.0.1. */
  readonly address?: string;
  readonly say: Say;
  /** Ends all of them. */
  readonly signal: AbortSignal;
}

/** Settles after the signal, when each ffmpeg has ended. */
export async function runPackagers(options: PackagersOptions): Promise<void> {
  const { folder, say, signal } = options;
  const running = new Map<string, Promise<void>>();
  // Another packager began those, and segments never change: their room gets a new folder.
  for (const id of await foldersOf(folder))
    if (await exists(join(folder, id, DESCRIPTION))) await end(join(folder, id), 'the packager began anew');
  while (!signal.aborted) {
    for (const id of await foldersOf(folder)) {
      if (running.has(id)) continue;
      const run = packageOne(join(folder, id), options)
        .catch((error: unknown) => say('packager.failed', { error: String(error) }))
        .finally(() => running.delete(id));
      running.set(id, run);
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
  }
  await Promise.all(running.values());
}

/**
 * Settles when the node packages no room, or is gone. A packager that is stopped waits for it: ECS stops both together, and the node then drains for
 * minutes, in which its viewers keep their picture. (The node does not depend on the packager, which would give this order too: then it would not
 * start where the packager cannot.)
 */
export async function untilIdle(folder: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await isNodeAlive(folder)) && (await isPackaging(folder)))
    await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
}

const isNodeAlive = (folder: string): Promise<boolean> =>
  stat(join(folder, ALIVE)).then(
    ({ mtimeMs }) => Date.now() - mtimeMs < SILENT_MS,
    () => false,
  );

async function isPackaging(folder: string): Promise<boolean> {
  const ids = await foldersOf(folder);
  const all = await Promise.all(ids.map((id) => exists(join(folder, id, DESCRIPTION))));
  return all.includes(true);
}

async function foldersOf(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter(isFolderId);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** From a session description that is there until it is not. */
async function packageOne(folder: string, options: PackagersOptions): Promise<void> {
  const description = await readFile(join(folder, DESCRIPTION), 'utf8').catch(() => undefined);
  if (description === undefined || (await exists(join(folder, ENDED)))) return;
  const why = await runFfmpeg(folder, { hasAudio: description.includes('m=audio') }, options).catch(String);
  await end(folder, why);
}

/** @returns why it has ended, when it has */
async function runFfmpeg(
  folder: string,
  what: { readonly hasAudio: boolean },
  { address, say, signal }: PackagersOptions,
): Promise<string> {
  let lines = 0;
  await using program = await startProgram({
    command: 'ffmpeg',
    args: packagerArguments(folder, what, address),
    onLine: (line) => lines++ < LINES && say('packager.line', { line: line.slice(0, LINE_LENGTH) }),
  });
  setPriority(program.pid, PRIORITY);
  say('packager.begun', { sound: what.hasAudio });
  let code: number | null | undefined;
  const over = new AbortController();
  void program.ended.then((ended) => {
    code = ended;
    over.abort();
  });
  // Not a race with its end: that would keep something of each look until then.
  while (code === undefined && !signal.aborted && (await exists(join(folder, DESCRIPTION))))
    await sleep(LOOK_MS, undefined, { signal: over.signal }).catch(() => {});
  return code === undefined ? OVER : `ffmpeg ended with ${code}`;
}

/** The node may have removed the folder. */
const end = (folder: string, why: string): Promise<void> => writeFile(join(folder, ENDED), why).catch(() => {});
