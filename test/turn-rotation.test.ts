/**
 * A year of TURN secret rotations, minute by minute in virtual time: the rotation function that runs in Lambda, auth as it follows the
 * secret, and nodes as they read it. Each minute a fresh credential must be taken by every node, until it expires.
 */
import { createHmac } from 'node:crypto';
import { pino } from 'pino';
import { expect, test } from 'vitest';
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

test.each([1, 2])('seed %i: no minute in which a node refuses a fresh credential', async (seed) => {
  const random = new Random(seed).next;
  const manager = new SecretsManager(JSON.stringify({ sign: 'secret-of-the-first-day', accept: [] }));
  const handler = rotationHandler(manager);
  const client = { send: async () => ({ SecretString: manager.get('AWSCURRENT') }) } as never;
  const log = pino({ level: 'silent' });
  const signers: TurnSigner[] = [];
  const start = () =>
    followTurnSecret('arn:aws:secretsmanager:eu-west-1:1:secret:s', { log, client, refreshMs: 2 ** 30 });
  for (let i = 0; i < 3; i++) signers.push(await start());
  const nodes = Array.from({ length: 3 }, () => parseTurnSecret(manager.get('AWSCURRENT')).accepted);
  const sign = (secret: string) => createHmac('sha1', secret).update('u').digest('base64');
  const accepts = (accepted: readonly string[], credential: string) => accepted.some((s) => sign(s) === credential);

  /** Credentials that are still good, by the minute in which they expire. */
  let fresh: { credential: string; until: number }[] = [];
  let rotation = 30 * 1440;
  let awayUntil = 0;
  let changed = true;
  for (let minute = 0; minute < MINUTES_A_YEAR; minute++) {
    manager.away = minute < awayUntil;
    if (!manager.away && random() < 1 / (20 * 1440)) awayUntil = minute + Math.ceil(random() * 600);
    if (minute >= rotation && !manager.away) {
      await manager.rotate(`v${minute}`, handler);
      rotation = minute + 30 * 1440;
      changed = true;
    }
    // Auth's tasks start at any time (a deployment, a lost host), and live for minutes or for the whole year.
    if (!manager.away && random() < 1 / (40 * 1440)) signers[Math.floor(random() * signers.length)] = await start();
    // Each reads within a minute of its own; in the minute of a rotation some have and some have not.
    for (const signer of signers) if (changed && random() < 0.5) await signer.refresh();
    if (!manager.away)
      for (const i of nodes.keys())
        if (changed && random() < 0.5) nodes[i] = parseTurnSecret(manager.get('AWSCURRENT')).accepted;
    const settled =
      !manager.away &&
      signers.every((s) => s.secret() === parseTurnSecret(manager.get('AWSCURRENT')).sign) &&
      nodes.every((n) => n.join() === parseTurnSecret(manager.get('AWSCURRENT')).accepted.join());
    if (!changed && fresh.length === 0) continue;
    for (const signer of signers) fresh.push({ credential: sign(signer.secret() ?? ''), until: minute + TTL_MINUTES });
    fresh = fresh.filter((one) => one.until >= minute);
    for (const { credential } of fresh)
      if (!nodes.every((accepted) => accepts(accepted, credential)))
        throw new Error(`minute ${minute} (day ${Math.floor(minute / 1440)}): a node refuses a fresh credential`);
    // Nothing changes until the next rotation: what holds now holds for each minute until then.
    if (settled) {
      changed = false;
      fresh = [];
    }
  }
  expect(signers.map((s) => s.secret())).not.toContain('secret-of-the-first-day');
  for (const signer of signers) signer[Symbol.dispose]();
});
