/** A spoken sentence for a fake microphone (espeak-ng), and a real recognizer (pocketsphinx) behind the protocol of vosk-server. */
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type WebSocket, WebSocketServer } from 'ws';
import { findProgram } from '../../infra/local/programs.ts';

const run = promisify(execFile);
const grammarIn = (folder: string) => join(folder, 'orders.jsgf');

/** Debian's model of American English. */
const MODEL = '/usr/share/pocketsphinx/model/en-us';

/**
 * Against its whole dictionary pocketsphinx understands little of a synthetic voice: it is given these sentences, and tells which was said.
 * Each part has several words, so that what it answers is not the only thing it could.
 */
const GRAMMAR = `#JSGF V1.0;
grammar orders;
public <said> = (<verb> the <what>)+;
<verb> = open | close | paint | move | find;
<what> = window | garden | kitchen | elephant | telephone | orange;
`;

/** Softer than this is silence: root of the mean square, of 32,767. */
const QUIET = 100;
/** Silence after which it takes a sentence for said, bytes: half a second. */
const PAUSE_BYTES = 16_000;

function program(name: string): string {
  const found = findProgram(name);
  if (!found || !existsSync(MODEL))
    throw new Error('missing: apt-get install pocketsphinx pocketsphinx-en-us espeak-ng');
  return found;
}

/**
 * Writes the sentence as a WAV file with silence at its end, for Chromium's `--use-file-for-fake-audio-capture`, which repeats it.
 * @throws Error with the install line when there is no voice
 */
export function speak(sentence: string, file: string): void {
  const spoken = execFileSync(program('espeak-ng'), ['-v', 'en-us+f3', '-s', '140', '--stdout', sentence]);
  const silence = ['-af', 'apad=pad_dur=1.5', '-ar', '48000'];
  execFileSync('ffmpeg', ['-loglevel', 'error', '-y', '-i', 'pipe:0', ...silence, file], { input: spoken });
}

/** @param sound mono PCM of 16 bits, 16,000 samples a second */
async function recognize(sound: Buffer, folder: string): Promise<string> {
  const file = join(folder, `${randomUUID()}.raw`);
  writeFileSync(file, sound);
  const { stdout } = await run(program('pocketsphinx_continuous'), ['-infile', file, '-jsgf', grammarIn(folder)]);
  return stdout.trim().replaceAll('\n', ' ');
}

function isQuiet(sound: Buffer): boolean {
  let sum = 0;
  for (let at = 0; at + 1 < sound.length; at += 2) sum += sound.readInt16LE(at) ** 2;
  return sum < (QUIET * QUIET * sound.length) / 2;
}

/**
 * One conversation: answers each frame, as vosk-server does; the one that ends a sentence with its words.
 * @returns until what it was asked is answered
 */
function converse(socket: WebSocket, folder: string): () => Promise<void> {
  let sentence: Buffer[] = [];
  let pause = 0;
  const said = async () => {
    const sound = Buffer.concat(sentence);
    sentence = [];
    return JSON.stringify({ text: sound.length > pause ? await recognize(sound, folder) : '' });
  };
  const answer = async (data: Buffer, isBinary: boolean): Promise<string | undefined> => {
    // Its configuration, and its end.
    if (!isBinary) return String(data).includes('eof') ? said() : undefined;
    const quiet = isQuiet(data);
    if (quiet && sentence.length === 0) return '{"partial" : ""}';
    sentence.push(data);
    pause = quiet ? pause + data.length : 0;
    return pause >= PAUSE_BYTES ? said() : '{"partial" : ""}';
  };
  let turn = Promise.resolve();
  socket.on('message', (data, isBinary) => {
    turn = turn.then(async () => {
      if (socket.readyState !== socket.OPEN) return;
      const words = await answer(data as Buffer, isBinary);
      if (words !== undefined && socket.readyState === socket.OPEN) socket.send(words);
    });
  });
  return () => turn;
}

/**
 * @param folder for its grammar and what it hears; the giver removes it
 * @param at where it listens; default: loopback, a free port
 * @throws Error with the install line when there is no pocketsphinx
 */
export async function startPocketsphinx(
  folder: string,
  at: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 0 },
): Promise<AsyncDisposable & { readonly url: string }> {
  program('pocketsphinx_continuous');
  writeFileSync(grammarIn(folder), GRAMMAR);
  const server = new WebSocketServer(at);
  await once(server, 'listening');
  const answered: (() => Promise<void>)[] = [];
  server.on('connection', (socket) => answered.push(converse(socket, folder)));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of server.clients) socket.terminate();
      await new Promise((done) => server.close(done));
      // It still reads files of the folder, which the giver removes now.
      await Promise.all(answered.map((turn) => turn()));
    },
  };
}
