/** Settings given to a construct are judged as the app judges them when it starts. */
import { AuthConfig } from '@tandem/auth/config';
import { CaptionsConfig } from '@tandem/captions/config';
import { HooksConfig } from '@tandem/hooks/config';
import { loadConfig } from '@tandem/service';
import { nearestSetting } from '@tandem/service/setting-names';
import { SignalingConfig } from '@tandem/signaling/config';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import fc from 'fast-check';
import Type, { type TObject } from 'typebox';
import { expect, test } from 'vitest';
import { CanaryConfig } from '../canary/src/config.ts';
import { PackagerConfig } from '../hls-packager/src/config.ts';
import { EdgeConfig } from '../local/edge/config.ts';
import { MediaNodeConfig } from '../media-node/src/config.ts';
import { ComposerConfig } from '../recording-composer/src/config.ts';
import { checkSettings } from '../src/check-settings.ts';
import { SignalingService } from '../src/index.ts';
import { TurnNodeConfig } from '../turn-node/src/config.ts';

const CONFIGS: Record<string, TObject> = {
  AuthConfig,
  SignalingConfig,
  HooksConfig,
  CaptionsConfig,
  TurnNodeConfig,
  CanaryConfig,
  EdgeConfig,
  MediaNodeConfig,
  ComposerConfig,
  PackagerConfig,
};
const SETTINGS = Object.values(CONFIGS).flatMap((config) =>
  Object.entries(config.properties).map(([name, schema]) => ({ config, name, schema })),
);
const texts = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '1',
    '-1',
    '1.5',
    '1e3',
    ' 5',
    '5 ',
    '0x10',
    'lots',
    'https://sqs.eu-central-1.amazonaws.com/123456789012/a.fifo, http://127.0.0.1:9324/000000000000/b.fifo,',
    'https://sqs.eu-central-1.amazonaws.com/123456789012/a',
    'true',
    'false',
    'TRUE',
    'yes',
    'NaN',
    'Infinity',
    'null',
  ),
  fc.integer({ min: -10, max: 100_000_000 }).map(String),
  fc.string({ maxLength: 12 }),
  fc.constantFrom('development', 'production', 'required', 'optional', 'ES256'),
);

const refused = (run: () => unknown): boolean => {
  try {
    run();
    return false;
  } catch {
    return true;
  }
};

test('a value is refused at synth exactly when the app would not start with it', () => {
  fc.assert(
    fc.property(fc.nat({ max: SETTINGS.length - 1 }), texts, (index, text) => {
      const { config, name, schema } = SETTINGS[index] as (typeof SETTINGS)[number];
      const atStart = refused(() => loadConfig(Type.Object({ [name]: schema }), { [name]: text }));
      const atSynth = refused(() => checkSettings('Any', config, { environment: { [name]: text } }));
      expect(atSynth, `${name}=${JSON.stringify(text)}`).toBe(atStart);
    }),
    { numRuns: 400 },
  );
});

test('no setting of one program looks like a slip of another’s: they may share one environment', () => {
  for (const { name } of SETTINGS)
    for (const [part, config] of Object.entries(CONFIGS))
      expect(nearestSetting(name, Object.keys(config.properties)), `${name} in ${part}`).toBeUndefined();
});

/** A slip of a digit or a unit is refused too: what no machine has, and what would switch a limit off where 0 does not. */
test('every number has a least and a most', () => {
  const numbers = SETTINGS.map(({ name, schema }) => ({
    name,
    ...(schema as { type?: string; minimum?: number; maximum?: number }),
  }));
  const open = numbers.filter(({ type }) => type === 'integer' || type === 'number');
  expect(open.length).toBeGreaterThan(60);
  expect(
    open.filter(({ minimum, maximum }) => minimum === undefined || maximum === undefined).map((one) => one.name),
  ).toEqual([]);
  for (const value of ['20001000', '99999999999'])
    expect(() => checkSettings('Signaling', SignalingConfig, { environment: { MAX_CONNECTIONS: value } })).toThrow(
      /MAX_CONNECTIONS cannot be/,
    );
});

/** What a schema of numbers cannot see: one wrong part of a list, a misspelt way, JSON that is no grants. */
test('a wrong list, choice or address is refused by name and fix, at start and at synth alike', () => {
  const wrong: [string, TObject, string, string, RegExp][] = [
    ['Auth', AuthConfig, 'ACCESS', 'oidc,apikey', /a comma-separated list of open, api-key, oidc/],
    ['Auth', AuthConfig, 'OPEN_GRANTS', '{"grants":{"kick":true}}', /JSON of grants .*"rooms"/],
    ['Auth', AuthConfig, 'OPEN_GRANTS', '{"rooms":["a b"]}', /JSON of grants/],
    ['Auth', AuthConfig, 'TURN_URIS', 'turn:a.example:3478,b.example', /turn: or turns: URIs/],
    ['Auth', AuthConfig, 'STUN_URIS', 'a.example:3478', /stun: or stuns: URIs/],
    ['Auth', AuthConfig, 'ALLOWED_ORIGINS', 'https://a.example/', /origins such as .*without path or \*/],
    ['Auth', AuthConfig, 'KEY_SOURCE', 'keys.json', /file:PATH, secrets-manager:ARN or kms:KEY_ID/],
    ['Auth', AuthConfig, 'OIDC_ISSUER', 'accounts.example', /a URL, https in production/],
    ['Auth', AuthConfig, 'PROFILE', 'prod', /one of development, production/],
    ['Auth', AuthConfig, 'KEY_ALGORITHM', 'RS256', /one of ES256, EdDSA/],
    ['Auth', AuthConfig, 'LOG_LEVEL', 'verbose', /one of trace, debug, info/],
    ['Signaling', SignalingConfig, 'ALLOWED_ORIGINS', 'https://a.example, b.example', /origins such as .*or \*/],
    ['Signaling', SignalingConfig, 'CREATE_ROOMS', 'backend', /one of anyone, api/],
    ['Signaling', SignalingConfig, 'JWKS_URL', 'auth:8081', /an address such as https/],
    ['Hooks', HooksConfig, 'EVENT_QUEUES', 'sqs', /FIFO queues of Amazon SQS/],
    ['Turn', TurnNodeConfig, 'DENIED_PEERS', '10.0.0.0/8', /addresses and ranges, the lower one first .* such as 10/],
    ['Canary', CanaryConfig, 'CANARY_WITHOUT', 'pages', /comma-separated steps of: page/],
    ['Edge', EdgeConfig, 'AUTH_TARGETS', 'auth:8081', /comma-separated http:\/\/ addresses/],
    ['Media', MediaNodeConfig, 'SIGNALING_URL', 'https://a.example', /a ws: or wss: address/],
  ];
  for (const [construct, config, name, value, fix] of wrong) {
    const schema = config.properties[name] as TObject;
    const atStart = () => loadConfig(Type.Object({ [name]: schema }), { [name]: value });
    const atSynth = () => checkSettings(construct, config, { environment: { [name]: value } });
    for (const [where, run] of Object.entries({ atStart, atSynth })) {
      expect(run, `${name} ${where}`).toThrow(fix);
      expect(run, `${name} ${where}`).toThrow(name);
    }
  }
  // What the documentation gives as examples is taken.
  const environment = {
    ACCESS: 'oidc, api-key',
    OPEN_GRANTS: '{"rooms":["demo-*"]}',
    STUN_URIS: '',
    KEY_SOURCE: 'kms:a,b',
  };
  checkSettings('Auth', AuthConfig, { environment });
});

test('a refusal names no value of a secret', () => {
  const config = Type.Object({ TURN_SECRETS: Type.String({ pattern: '^[a-z]+$', secret: true }) });
  expect(() => checkSettings('Any', config, { environment: { TURN_SECRETS: 'S3CRET' } })).toThrow(
    /^(?!.*S3CRET).*TURN_SECRETS/,
  );
});

test('a setting that is given wins over the described, and is there once: ECS refuses a name twice', () => {
  const stack = new Stack(new App(), 'S');
  const secret = Secret.fromSecretNameV2(stack, 'Cache', 'cache');
  new SignalingService(stack, 'Signaling', {
    vpc: new ec2.Vpc(stack, 'Vpc'),
    cache: { url: 'rediss://cache.example.com:6379', secret },
    jwksUrl: 'https://auth.example.com/.well-known/jwks.json',
    image: ecs.ContainerImage.fromRegistry('example.com/image:1'),
    environment: { REDIS_USERNAME: 'mine', MAX_CONNECTIONS: '5' },
    secrets: { TOKEN_ISSUER: ecs.Secret.fromSecretsManager(secret, 'issuer') },
  });
  const task = Object.values(Template.fromStack(stack).findResources('AWS::ECS::TaskDefinition'))[0];
  const app = task?.Properties.ContainerDefinitions.find((one: { Name: string }) => one.Name === 'app');
  const names = [...app.Environment, ...app.Secrets].map((one: { Name: string }) => one.Name);
  expect(names).toEqual([...new Set(names)]);
  expect(app.Environment).toEqual(
    expect.arrayContaining([
      { Name: 'REDIS_USERNAME', Value: 'mine' },
      { Name: 'MAX_CONNECTIONS', Value: '5' },
    ]),
  );
  expect(app.Secrets.map((one: { Name: string }) => one.Name).sort()).toEqual(['REDIS_PASSWORD', 'TOKEN_ISSUER']);
});
