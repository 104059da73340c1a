/** A sound output that plays to nowhere at the speed of a clock (PulseAudio's null sink): without any, Firefox runs no AudioContext. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from '../../infra/local/programs.ts';

export interface SilentOutput extends AsyncDisposable {
  /** For the process that is to play there. */
  readonly env: Readonly<Record<string, string>>;
}

/** @throws Error with the install line when there is no PulseAudio, or with its words when it does not start */
export async function startSilentOutput(): Promise<SilentOutput> {
  const program = findProgram('pulseaudio');
  if (!program) throw new Error('PulseAudio is missing: apt-get install pulseaudio');
  const folder = mkdtempSync(path.join(tmpdir(), 'sound-'));
  const socket = path.join(folder, 'native');
  const modules = [`module-native-protocol-unix socket=${socket} auth-anonymous=1`, 'module-null-sink'];
  const server = spawn(
    program,
    ['-n', '--daemonize=no', '--exit-idle-time=-1', '--log-target=stderr', ...modules.flatMap((one) => ['-L', one])],
    { env: { PATH: process.env.PATH, HOME: folder, XDG_RUNTIME_DIR: folder }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-2000)));
  let isOver = false;
  // By a signal as well, which is no exit code; one that cannot be started has neither.
  const ended = once(server, 'exit')
    .catch((error: Error) => (said += error.message))
    .finally(() => {
      isOver = true;
    });
  const stop = async () => {
    server.kill();
    await ended;
    rmSync(folder, { recursive: true });
  };
  while (!existsSync(socket)) {
    if (isOver) {
      await stop();
      throw new Error(`pulseaudio: ${said}`);
    }
    await sleep(50);
  }
  return { env: { PULSE_SERVER: `unix:${socket}` }, [Symbol.asyncDispose]: stop };
}
