/** GStreamer's webrtcbin as an encoder by WHIP or a viewer by WHEP: ./webrtcbin.py, in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** What it has said, a line each: one of these. */
export interface Said {
  /** Of the answer to its POST, with body and the offer that was sent. */
  readonly status?: number;
  readonly body?: string;
  readonly offer?: string;
  readonly connection?: string;
  /** Kind of a frame that came out of its decoder, and its number. */
  readonly decoded?: 'audio' | 'video';
  readonly frames?: number;
  /** Status of its DELETE. */
  readonly ended?: number;
  /** Of its pipeline. */
  readonly problem?: string;
}

export interface WebrtcbinClient extends AsyncDisposable {
  readonly said: readonly Said[];
  /** Sends its DELETE and waits until the process has ended. @throws Error with what it wrote when that fails */
  end(): Promise<void>;
}

/** Debian's python3-gi is for Debian's interpreter alone. */
const PYTHON = '/usr/bin/python3';
const SCRIPT = fileURLToPath(new URL('webrtcbin.py', import.meta.url));
/** The same list as in scripts/test.mjs, which installs it. */
const INSTALL =
  'apt-get install python3-gi gir1.2-gst-plugins-bad-1.0 gstreamer1.0-nice gstreamer1.0-plugins-good gstreamer1.0-plugins-bad';
const END_MS = 20_000;

export function startWebrtcbin(way: 'whip' | 'whep', url: string, token: string): WebrtcbinClient {
  const child = spawn(PYTHON, [SCRIPT, way, url], { env: { ...process.env, TOKEN: token } });
  const said: Said[] = [];
  let complaints = '';
  createInterface({ input: child.stdout }).on('line', (line) => void said.push(JSON.parse(line) as Said));
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk;
  });
  child.stdin.on('error', () => undefined);
  const over = once(child, 'exit').catch((error: unknown) => {
    complaints += String(error);
  });
  const end = async () => {
    child.stdin.end();
    await Promise.race([over, sleep(END_MS, undefined, { ref: false })]);
    if (child.exitCode !== 0) throw new Error(`webrtcbin failed (${INSTALL}): ${complaints}`);
  };
  return {
    said,
    end,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await over;
    },
  };
}
