/** The captions service on AWS: its recognizer beside it, what it may, where it may go; and by itself, outside of our topology. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnParameter } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { expect, onTestFinished, test } from 'vitest';
import { CaptionsService, Network, TopologyStack, WebRtcTopology } from '../src/index.ts';
import { TopologyProfile } from '../src/profile.ts';
import { topology } from '../topology/index.ts';
import { allows, rolePolicies } from './policy.ts';
import { resourcesOf } from './resources.ts';
import { clientBuild, PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const production = synthesize(PRODUCTION, { checks: false });
const { all, container } = resourcesOf(production);
const image = ecs.ContainerImage.fromRegistry('example.com/image:1');
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const recognizerImage = ecs.ContainerImage.fromRegistry(`example.com/recognizer@${DIGEST}`);
const jwksUrl = 'https://calls.example.com/.well-known/jwks.json';
const variables = (one: Any) => Object.fromEntries(one.Environment.map((v: Any) => [v.Name, v.Value]));

test('each task has a recognizer that the service reaches on loopback alone', () => {
  const task = all('AWS::ECS::TaskDefinition').find(({ id }) => /TopologyCaptionsTask/.test(id))?.properties;
  expect(task.RuntimePlatform.CpuArchitecture).toBe('X86_64');
  const [app, recognizer] = ['app', 'recognizer'].map((name) => container(/TopologyCaptionsTask/, name));
  expect(variables(app).CAPTIONS_RECOGNIZERS).toBe(`en=ws://127.0.0.1:${topology.recognizer.port}`);
  expect(variables(recognizer)).toEqual({
    VOSK_SERVER_INTERFACE: '127.0.0.1',
    VOSK_SERVER_PORT: String(topology.recognizer.port),
  });
  for (const one of [app, recognizer])
    expect(one).toMatchObject({ ReadonlyRootFilesystem: true, User: '10001:10001', Essential: true });
  expect([recognizer.PortMappings, recognizer.Secrets, app.Secrets]).toEqual([undefined, undefined, undefined]);
  // All containers together have what the task has.
  const memory = task.ContainerDefinitions.reduce((sum: number, one: Any) => sum + one.Memory, 0);
  expect(memory).toBe(Number(task.Memory));
});

test('the page knows the languages, and what is given for it itself wins', () => {
  const folder = mkdtempSync(join(tmpdir(), 'captions-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const settings = (name: string, clientConfig?: { captionLanguages: string[] }) => {
    const app = new App({ outdir: join(folder, name) });
    const images = {
      authImage: image,
      signalingImage: image,
      turnImage: image,
      canaryImage: image,
      captionsImage: image,
    };
    new WebRtcTopology(new TopologyStack(app, 'Own', { zones: 2 }), 'Calls', {
      ...{ profile: TopologyProfile.DEVELOPMENT, clientBuild: clientBuild(join(folder, `${name}-build`)), ...images },
      ...{ captions: { recognizerImage, recognizers: { fr: 'wss://speech.example.org' } }, clientConfig },
    });
    const { directory } = app.synth();
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
    const file = files.find((one) => one.startsWith('asset.') && one.endsWith('/config.json')) ?? '';
    return JSON.parse(readFileSync(join(directory, file), 'utf8')).captionLanguages;
  };
  expect(settings('own')).toEqual(['en', 'fr']);
  expect(settings('given', { captionLanguages: ['fr'] })).toEqual(['fr']);
});

test('it goes out by HTTPS and to auth, not to the cache; its role may write its log and nothing else', () => {
  const [group, ...more] = all('AWS::EC2::SecurityGroup').filter(({ id }) => id.startsWith('TopologyCaptions'));
  expect(more).toEqual([]);
  const own = group?.properties.SecurityGroupEgress.map((rule: Any) => [rule.CidrIp, rule.FromPort, rule.ToPort]);
  expect(own).toEqual([['0.0.0.0/0', 443, 443]]);
  const ports = (type: string) =>
    all(type)
      .filter(({ properties }) => JSON.stringify(properties.GroupId).includes(`"${group?.id}"`))
      .map(({ properties }) => properties.FromPort);
  expect(ports('AWS::EC2::SecurityGroupEgress')).toEqual([topology.auth.port]);
  // From the load balancer alone.
  expect(ports('AWS::EC2::SecurityGroupIngress')).toEqual([topology.captions.port]);
  const role = all('AWS::IAM::Role').find(({ id }) => /TopologyCaptionsTaskTaskRole/.test(id))?.id as string;
  const statements = rolePolicies(production.template, role);
  const may = (action: string, resource: string) =>
    allows(statements, { principal: role, action, resource, context: {} });
  const log = all('AWS::Logs::LogGroup').find(({ id }) => /TopologyCaptionsLogs/.test(id))?.id;
  expect(may('logs:PutLogEvents', `${log}.Arn`)).toBe(true);
  for (const { id } of all('AWS::SecretsManager::Secret')) expect(may('secretsmanager:GetSecretValue', id)).toBe(false);
});

test('by itself in a VPC of one’s own, with recognizers elsewhere: a small task, no second container', () => {
  const stack = new TopologyStack(new App(), 'Own', { zones: 2 });
  const { vpc } = new Network(stack, 'Network', { zones: 2 });
  const recognizers = { de: 'wss://speech.example.org/de', 'pt-BR': 'wss://speech.example.org/pt' };
  const captions = new CaptionsService(stack, 'Captions', { vpc, jwksUrl, image, recognizers });
  expect(captions.languages).toEqual(['de', 'pt-BR']);
  expect(captions.recognizer).toBeUndefined();
  const { Resources } = Template.fromStack(stack).toJSON() as Any;
  const task = Object.values<Any>(Resources).find((one) => one.Type === 'AWS::ECS::TaskDefinition').Properties;
  expect([task.Cpu, task.Memory]).toEqual(['256', '512']);
  expect(task.ContainerDefinitions.map((one: Any) => one.Name)).toEqual(['app', 'collector']);
  expect(variables(task.ContainerDefinitions[0]).CAPTIONS_RECOGNIZERS).toBe(
    'de=wss://speech.example.org/de,pt-BR=wss://speech.example.org/pt',
  );
});

test('what does not fit is refused by name', () => {
  const stack = new TopologyStack(new App(), 'Refused', { zones: 2 });
  const { vpc } = new Network(stack, 'Network', { zones: 2 });
  const service = (more: object) => () =>
    new CaptionsService(stack, `Captions${stack.node.children.length}`, { vpc, jwksUrl, image, ...more });
  expect(service({})).toThrow('CaptionsService.recognizerImage');
  expect(service({ recognizers: {} })).toThrow('CaptionsService.recognizerImage');
  expect(service({ recognizerImage, jwksUrl: 'calls.example.com' })).toThrow('CaptionsService.jwksUrl');
  expect(service({ recognizerImage, language: 'English' })).toThrow('CaptionsService.language');
  expect(service({ recognizers: { de: 'wss://a.example.org' }, language: 'en' })).toThrow('CaptionsService.language');
  for (const address of ['https://speech.example.org', 'wss://user:secret@speech.example.org', 'speech'])
    expect(service({ recognizers: { de: address } }), address).toThrow('CaptionsService.recognizers');
  expect(service({ recognizerImage, recognizers: { en: 'wss://a.example.org' } })).toThrow(
    'CaptionsService.recognizers',
  );
  expect(service({ recognizerImage, maxSpeakers: 0 })).toThrow('CaptionsService.maxSpeakers');
  expect(service({ recognizerImage, memoryLimitMiB: 1024 })).toThrow('CaptionsService.memoryLimitMiB');
  expect(service({ recognizerImage, environment: { SPEAKERS_PER_USER: '0' } })).toThrow('SPEAKERS_PER_USER');
  expect(service({ recognizerImage })).not.toThrow();
  const whole = (captions: object) => () =>
    new WebRtcTopology(stack, `Calls${stack.node.children.length}`, {
      ...{ profile: TopologyProfile.DEVELOPMENT, captions },
    });
  expect(whole({})).toThrow('CaptionsService.recognizerImage');
  expect(whole({ recognizerImage, minTasks: 0 })).toThrow('WebRtcTopology.captions.minTasks');
  expect(() => synthesize({ recognizers: 'de=https://a' }, { checks: false })).toThrow('-c recognizers=');
});

test('the program of another party is named by digest: a tag, or none, may be another program tomorrow', () => {
  const stack = new TopologyStack(new App(), 'Pinned', { zones: 2 });
  const { vpc } = new Network(stack, 'Network', { zones: 2 });
  const repository = ecr.Repository.fromRepositoryName(stack, 'Repository', 'kaldi-en');
  const own = new ecr.Repository(stack, 'Own');
  const folder = mkdtempSync(join(tmpdir(), 'recognizer-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch');
  const named = (recognizerImage: ecs.ContainerImage) => () =>
    new CaptionsService(stack, `Captions${stack.node.children.length}`, { vpc, jwksUrl, image, recognizerImage });
  const { fromRegistry, fromEcrRepository, fromAsset } = ecs.ContainerImage;
  const parameter = new CfnParameter(stack, 'Digest', {}).valueAsString;
  for (const pinned of [
    fromRegistry(`alphacep/kaldi-en@${DIGEST}`),
    fromRegistry(`registry.example.com:5000/kaldi-en@${DIGEST}`),
    fromEcrRepository(repository, DIGEST),
    fromEcrRepository(own, DIGEST),
    // A hash of its sources; and what only the deployment knows.
    fromAsset(folder),
    fromRegistry(parameter),
  ])
    expect(named(pinned)).not.toThrow();
  for (const loose of [
    fromRegistry('alphacep/kaldi-en'),
    fromRegistry('alphacep/kaldi-en:latest'),
    fromRegistry('registry.example.com:5000/kaldi-en'),
    fromRegistry('alphacep/kaldi-en@sha256:ab'),
    fromEcrRepository(repository),
    fromEcrRepository(own, '1.0'),
  ])
    expect(named(loose)).toThrow(/^CaptionsService\.recognizerImage: .*another program tomorrow.*Fix: .*@sha256:/);
});
