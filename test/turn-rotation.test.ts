/**
 * A year of TURN secret rotations, minute by minute in virtual time: the rotation function that runs in Lambda, auth as it follows the
 * secret, and nodes as they read it. Each minute a fresh credential must be taken by every node, until it expires.
 */
import { createHmac } from 'node:crypto';
import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { followTurnSecret, type TurnSigner } from '../apps/auth/src/turn-secret.ts';
import { ROTATION_CODE } from '../infra/src/turn-secret-rotation.ts';
import { parseTurnSecret } from '../packages/service/src/turn-secret.ts';
import { Random } from './simulation/random.ts';

const MINUTES_A_YEAR = 365 * 24 * 60;
const TTL_MINUTES = 10;

/** Secrets Manager as the four rotation steps and readers use it: versions with stages. Source: its user guide, "Rotation function". */
class SecretsManager {
  readonly #versions = new Map<string, { text: string; stages: Set<string> }>();
  away = false;
  constructor(text: string) {
    this.#versions.set('v0', { text, stages: new Set(['AWSCURRENT']) });
  }
  get(stage: string, version?: string): string {
    if (this.away) throw new Error('service unavailable');
    for (const [id, one] of this.#versions)
      if (one.stages.has(stage) && (version === undefined || version === id)) return one.text;
    throw Object.assign(new Error('not found'), { name: 'ResourceNotFoundException' });
  }
  send = async (command: { readonly name: string; readonly input: Record<string, never> }): Promise<unknown> => {
    const input = command.input as Record<string, string> & { VersionStages?: string[] };
    const version = input.VersionId ?? '';
    switch (command.name) {
      case 'DescribeSecret':
        return { VersionIdsToStages: Object.fromEntries([...this.#versions].map(([id, v]) => [id, [...v.stages]])) };
      case 'GetSecretValue':
        return { SecretString: this.get(input.VersionStage ?? 'AWSCURRENT', version || undefined) };
      case 'PutSecretValue':
        this.#versions.set(String(input.ClientRequestToken), {
          text: String(input.SecretString),
          stages: new Set(input.VersionStages),
        });
        return {};
      case 'UpdateSecretVersionStage':
        this.#versions.get(String(input.RemoveFromVersionId))?.stages.delete('AWSCURRENT');
        this.#versions.get(String(input.MoveToVersionId))?.stages.add('AWSCURRENT');
        return {};
      default:
        throw new Error(command.name);
    }
  };
  /** What the service does at a rotation: a new version staged as pending, then the four steps, some of them twice. */
  async rotate(token: string, handler: (event: object) => Promise<void>): Promise<void> {
    this.#versions.set(token, { text: '', stages: new Set() });
    for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret', 'finishSecret'])
      await handler({ SecretId: 's', ClientRequestToken: token, Step });
  }
}

/** The function as Lambda loads it, with its SDK in memory. */
function rotationHandler(manager: SecretsManager): (event: object) => Promise<void> {
  const command = (name: string) =>
    class {
      readonly name = name;
      readonly input: object;
      constructor(input: object) {
        this.input = input;
      }
    };
  const sdk = {
    SecretsManagerClient: class {
      send = manager.send;
    },
    DescribeSecretCommand: command('DescribeSecret'),
    GetSecretValueCommand: command('GetSecretValue'),
    PutSecretValueCommand: command('PutSecretValue'),
    UpdateSecretVersionStageCommand: command('UpdateSecretVersionStage'),
  };
  const module: { handler?: (event: object) => Promise<void> } = {};
  const load = (name: string) => (name.startsWith('@aws-sdk/') ? sdk : process.getBuiltinModule(name));
  new Function('exports', 'require', ROTATION_CODE)(module, load);
  if (!module.handler) throw new Error('no handler');
  return module.handler;
}

/** Minutes in which a reader could read, and has not, before it counts as one that does not follow. Readers read each minute. */
const LATE_MINUTES = 5;
/** A minute has three thirds; each reader reads in one of them, so that after a rotation some have and some have not. */
const THIRD_MS = 20_000;
const THIRDS = [0, 1, 2];

afterEach(() => {
  vi.useRealTimers();
});

test.each([1, 2])('seed %i: no minute in which a node refuses a fresh credential', async (seed) => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] });
  const random = new Random(seed);
  const manager = new SecretsManager(JSON.stringify({ sign: 'secret-of-the-first-day', accept: [] }));
  const handler = rotationHandler(manager);
  const client = { send: async () => ({ SecretString: manager.get('AWSCURRENT') }) } as never;
  const log = pino({ level: 'silent' });
  // Its own timer, of auth's own interval.
  const start = () => followTurnSecret('arn:aws:secretsmanager:eu-west-1:1:secret:s', { log, client });
  const readNow = () => parseTurnSecret(manager.get('AWSCURRENT'));
  const signers: TurnSigner[] = [];
  for (const _ of THIRDS) {
    signers.push(await start());
    await vi.advanceTimersByTimeAsync(THIRD_MS);
  }
  const nodes = THIRDS.map(() => readNow().accepted);
  const credentials = new Map<string, string>();
  const sign = (secret: string) => {
    const known = credentials.get(secret) ?? createHmac('sha1', secret).update('u').digest('base64');
    credentials.set(secret, known);
    return known;
  };

  /** Credentials that are still good, by the minute in which they expire. */
  let fresh: { credential: string; until: number }[] = [];
  const checkFresh = (minute: number) => {
    for (const signer of signers) fresh.push({ credential: sign(signer.secret() ?? ''), until: minute + TTL_MINUTES });
    fresh = fresh.filter((one) => one.until >= minute);
    for (const credential of new Set(fresh.map((one) => one.credential)))
      if (!nodes.every((accepted) => accepted.some((secret) => sign(secret) === credential)))
        throw new Error(`minute ${minute} (day ${Math.floor(minute / 1440)}): a node refuses a fresh credential`);
  };
  let rotation = 30 * 1440;
  let rotations = 0;
  let awayUntil = 0;
  /** Minutes since the last rotation in which the secret could be read; undefined when all have it. */
  let readable: number | undefined;
  for (let minute = 0; minute < MINUTES_A_YEAR; minute++) {
    manager.away = minute < awayUntil;
    if (!manager.away && random.chance(1 / (20 * 1440))) awayUntil = minute + random.int(1, 600);
    if (minute >= rotation && !manager.away) {
      // Those of just before must be good as well.
      checkFresh(minute);
      await manager.rotate(`v${minute}`, handler);
      rotation = minute + 30 * 1440;
      rotations++;
      readable = 0;
      // Services go away at any time, most often when something changes.
      if (random.chance(0.5)) awayUntil = minute + random.int(1, 60);
    }
    // Auth's tasks start at any time (a deployment, a lost host), and live for minutes or for the whole year.
    const starts = !manager.away && random.chance(1 / (40 * 1440)) ? random.int(0, 2) : undefined;
    // Nothing changes until the next rotation: what holds now holds for each minute until then.
    if (readable === undefined && starts === undefined) continue;
    const phases = nodes.map(() => random.int(0, 2));
    for (const third of THIRDS) {
      await vi.advanceTimersByTimeAsync(THIRD_MS);
      for (const [i, phase] of phases.entries()) if (phase === third && !manager.away) nodes[i] = readNow().accepted;
      if (starts === third) {
        const i = random.int(0, signers.length - 1);
        signers[i]?.[Symbol.dispose]();
        signers[i] = await start();
      }
      checkFresh(minute);
    }
    if (readable === undefined || manager.away) continue;
    const { sign: current, accepted } = readNow();
    const late = [
      ...signers.filter((one) => one.secret() !== current).map(() => 'auth'),
      ...nodes.filter((one) => one.join() !== accepted.join()).map(() => 'a node'),
    ];
    if (late.length > 0 && ++readable > LATE_MINUTES)
      throw new Error(`day ${Math.floor(minute / 1440)}: ${late.join(', ')} did not read in ${LATE_MINUTES} minutes`);
    // The last credentials of before are good for some minutes more.
    if (late.length === 0 && fresh.every(({ credential }) => credential === sign(current))) readable = undefined;
  }
  expect(rotations).toBeGreaterThanOrEqual(12);
  expect(signers.map((s) => s.secret())).not.toContain('secret-of-the-first-day');
  for (const signer of signers) signer[Symbol.dispose]();
});
