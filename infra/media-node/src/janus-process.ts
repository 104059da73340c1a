/** One Janus process: its settings, its start, its end. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@tandem/service/ports';
import { startProgram } from '../../node-kit/child-process.ts';
import { limited } from '../../node-kit/limited.ts';
import { EngineError } from './engine.ts';
import type { JanusProgram } from './location.ts';

export interface JanusSettings {
  readonly program: JanusProgram;
  /** Writable folder of this process alone. */
  readonly runDir: string;
  /** Address to gather candidates on. Not a loopback one: libnice skips those and then offers every interface. */
  readonly address: string;
  /** Address that clients reach, where it is another (EC2). */
  readonly publicAddress?: string;
  readonly mediaPorts: readonly [first: number, last: number];
  /** Threads that carry media: the number of cores. */
  readonly eventLoops: number;
  /** Gets Janus' own errors and warnings. */
  readonly complain: (line: string) => void;
}

export interface JanusProcess extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
  readonly secret: string;
  readonly ended: Promise<void>;
  /** Ends it at once, also when it hears no signal: as if it had died. */
  kill(): void;
}

const START_MS = 20_000;
/** Packets of a track: Janus says (`slowlink`) which client loses that number or more in a second. Of 500 kbit/s it is 7 %. */
const SLOW_LINK_PACKETS = 4;

/** @throws EngineError when it does not start */
export async function startJanus(settings: JanusSettings): Promise<JanusProcess> {
  if (/^(127\.|::1$|localhost$)/.test(settings.address))
    throw new EngineError(
      'refused',
      `PUBLIC_IP: ${settings.address} is a loopback address, on which ICE gathers nothing`,
    );
  // Between being found free and being bound, its port may be taken by a program beside it: then with another one.
  return await begin(settings).catch((error: unknown) => {
    if (error instanceof EngineError && error.code === 'gone') return begin(settings);
    throw error;
  });
}

async function begin(settings: JanusSettings): Promise<JanusProcess> {
  const [port, secret] = [await freePort(), randomBytes(24).toString('base64url')];
  await mkdir(settings.runDir, { recursive: true });
  for (const [name, text] of Object.entries(configuration(settings, port, secret)))
    await writeFile(join(settings.runDir, name), text, { mode: 0o600 });
  // For a client that is gone Janus complains of each packet until it gives up.
  const complain = limited(settings.complain);
  const child = await startProgram({
    command: settings.program.command,
    args: [...settings.program.args, '--configs-folder', settings.runDir, '--disable-colors'],
    cwd: settings.runDir,
    onLine: (line) => {
      if (/\[(ERR|FATAL)\]/.test(line)) complain(line);
    },
  });
  const url = `ws://127.0.0.1:${port}`;
  try {
    await Promise.race([
      listening(url),
      child.ended.then(() => {
        throw new EngineError('gone', `janus ended at once; run ${settings.program.command} by hand to see why`);
      }),
    ]);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    pid: child.pid,
    url,
    secret,
    ended: child.ended.then(() => undefined),
    kill: () => void child.kill('SIGKILL'),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** Files of the configuration folder by name (https://janus.conf.meetecho.com/docs/, the comments of janus.jcfg.sample). */
export function configuration(settings: JanusSettings, port: number, secret: string): Record<string, string> {
  const { program, address, publicAddress, mediaPorts } = settings;
  const list = (values: Record<string, string | number | boolean>) =>
    Object.entries(values)
      .map(([name, value]) => `  ${name} = ${typeof value === 'string' ? JSON.stringify(value) : value}`)
      .join('\n');
  const general = {
    configs_folder: settings.runDir,
    ...(program.plugins ? { plugins_folder: program.plugins } : {}),
    ...(program.transports ? { transports_folder: program.transports } : {}),
    events_folder: settings.runDir,
    loggers_folder: settings.runDir,
    debug_level: 3,
    api_secret: secret,
    // A loop a core is 1.6 to 3 times cheaper than the default, which is a thread for each handle.
    event_loops: settings.eventLoops,
    server_name: 'tandem',
    opaqueid_in_api: false,
    session_timeout: 60,
    reclaim_session_timeout: 0,
  };
  const nat = {
    full_trickle: true,
    ice_tcp: false,
    // Without it every interface is offered, those of containers and tunnels too.
    ice_enforce_list: address,
    ignore_mdns: false,
    ...(publicAddress && publicAddress !== address ? { nat_1_1_mapping: publicAddress, keep_private_host: false } : {}),
    // RFC 7675: a client that answers no check for 30 s gets nothing more.
    ice_consent_freshness: true,
  };
  const media = {
    rtp_port_range: `${mediaPorts[0]}-${mediaPorts[1]}`,
    ipv6: address.includes(':'),
    no_media_timer: 2,
    slowlink_threshold: SLOW_LINK_PACKETS,
  };
  const transport = {
    json: 'compact',
    ws: true,
    ws_port: port,
    ws_ip: '127.0.0.1',
    wss: false,
  };
  return {
    'janus.jcfg': `general: {\n${list(general)}\n}\nnat: {\n${list(nat)}\n}\nmedia: {\n${list(media)}\n}\n`,
    'janus.transport.websockets.jcfg': `general: {\n${list(transport)}\n}\nadmin: {\n  admin_ws = false\n}\n`,
    'janus.plugin.videoroom.jcfg': 'general: {\n  string_ids = true\n}\n',
    'janus.plugin.streaming.jcfg': 'general: {\n  string_ids = true\n}\n',
    'janus.plugin.audiobridge.jcfg': 'general: {\n  string_ids = true\n}\n',
  };
}

async function listening(url: string): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (performance.now() < deadline) {
    const answered = await new Promise<boolean>((resolve) => {
      const socket = new WebSocket(url, 'janus-protocol');
      socket.onopen = () => {
        socket.close();
        resolve(true);
      };
      socket.onerror = () => resolve(false);
    });
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new EngineError('timeout', 'janus does not listen');
}
