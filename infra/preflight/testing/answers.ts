/** Whether an answer of recorded/ is one that AWS could give: read by the SDK, whose decoders and types are made from AWS' own models. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import * as acm from '@aws-sdk/client-acm';
import * as cloudformation from '@aws-sdk/client-cloudformation';
import * as cloudwatch from '@aws-sdk/client-cloudwatch';
import * as ec2 from '@aws-sdk/client-ec2';
import * as elasticache from '@aws-sdk/client-elasticache';
import * as iam from '@aws-sdk/client-iam';
import * as route53 from '@aws-sdk/client-route-53';
import * as quotas from '@aws-sdk/client-service-quotas';
import * as ssm from '@aws-sdk/client-ssm';
import * as sts from '@aws-sdk/client-sts';
import type { Answer } from './account.ts';

interface Config {
  readonly region: string;
  readonly maxAttempts: number;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly requestHandler: never;
}

interface Asked {
  /** Of the SDK. */
  readonly package: string;
  /** Version of the service's interface, as its XML namespace has it. */
  readonly version: string;
  send(): Promise<object>;
}

type Operation = (config: Config) => Asked;

interface Client<Command> {
  readonly config: { readonly apiVersion: string };
  send(command: Command): Promise<object>;
}

/** Of one service: how its operations are asked. */
function service<Command>(name: string, newClient: (config: Config) => Client<Command>) {
  return (command: object): Operation =>
    (config) => {
      const client = newClient(config);
      return {
        package: `@aws-sdk/client-${name}`,
        version: client.config.apiVersion,
        send: () => client.send(command as Command),
      };
    };
}

const ofSts = service('sts', (config) => new sts.STSClient(config));
const ofQuotas = service('service-quotas', (config) => new quotas.ServiceQuotasClient(config));
const ofCloudWatch = service('cloudwatch', (config) => new cloudwatch.CloudWatchClient(config));
const ofEc2 = service('ec2', (config) => new ec2.EC2Client(config));
const ofAcm = service('acm', (config) => new acm.ACMClient(config));
const ofIam = service('iam', (config) => new iam.IAMClient(config));
const ofRoute53 = service('route-53', (config) => new route53.Route53Client(config));
const ofSsm = service('ssm', (config) => new ssm.SSMClient(config));
const ofElastiCache = service('elasticache', (config) => new elasticache.ElastiCacheClient(config));
const ofCloudFormation = service('cloudformation', (config) => new cloudformation.CloudFormationClient(config));

const span = { StartTime: new Date(0), EndTime: new Date(0) };
const OPERATIONS: Readonly<Record<string, Operation>> = {
  GetCallerIdentity: ofSts(new sts.GetCallerIdentityCommand({})),
  GetServiceQuota: ofQuotas(new quotas.GetServiceQuotaCommand({ ServiceCode: 'x', QuotaCode: 'x' })),
  GetMetricData: ofCloudWatch(new cloudwatch.GetMetricDataCommand({ ...span, MetricDataQueries: [] })),
  DescribeAddresses: ofEc2(new ec2.DescribeAddressesCommand({})),
  DescribeVpcs: ofEc2(new ec2.DescribeVpcsCommand({})),
  DescribeAvailabilityZones: ofEc2(new ec2.DescribeAvailabilityZonesCommand({})),
  DescribeInstanceTypeOfferings: ofEc2(new ec2.DescribeInstanceTypeOfferingsCommand({})),
  DescribeCertificate: ofAcm(new acm.DescribeCertificateCommand({ CertificateArn: 'x' })),
  GetRole: ofIam(new iam.GetRoleCommand({ RoleName: 'x' })),
  GetHostedZone: ofRoute53(new route53.GetHostedZoneCommand({ Id: 'x' })),
  ListResourceRecordSets: ofRoute53(new route53.ListResourceRecordSetsCommand({ HostedZoneId: 'x' })),
  GetParameter: ofSsm(new ssm.GetParameterCommand({ Name: 'x' })),
  DescribeReservedCacheNodesOfferings: ofElastiCache(new elasticache.DescribeReservedCacheNodesOfferingsCommand({})),
  DescribeStacks: ofCloudFormation(new cloudformation.DescribeStacksCommand({})),
};

/** @returns the operation asked of a client that gets this answer */
function asked(operation: string, answer: Answer): Asked {
  const known = OPERATIONS[operation];
  if (!known) throw new Error(`${operation}: not one that the preflight asks`);
  const response = () => ({
    statusCode: answer.status ?? 200,
    headers: { 'content-type': answer.type },
    body: Readable.from([Buffer.from(answer.body)]),
  });
  return known({
    region: 'eu-west-1',
    maxAttempts: 1,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: { handle: async () => ({ response: response() }) } as never,
  });
}

/** What is written at the ends of a value, numbers in one form. */
function leaves(value: unknown, date: (of: Date) => unknown): string[] {
  if (value instanceof Date) return leaves(date(value), date);
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap((one) => leaves(one, date));
  if (value === undefined) return [];
  const text = String(value);
  return [/^-?\d+(\.\d+)?$/.test(text) ? String(Number(text)) : text];
}

const inXml = (of: Date) => of.toISOString().replace('.000Z', 'Z');
const inJson = (of: Date) => of.getTime() / 1000;

/** What is written at the ends of a body, but for what belongs to no operation. */
function written({ type, body }: Answer): string[] {
  if (type.includes('json')) return leaves(JSON.parse(body), inJson);
  const ends = [...body.matchAll(/<(\w+)>([^<]+)<\/\1>/g)].filter(([, name]) => !/^requestId$/i.test(name ?? ''));
  return ends.flatMap(([, , text]) => leaves(text, inXml));
}

/** A value as TypeScript writes it. */
function literal(value: unknown): string {
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(JSON.stringify(value));
  const fields = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{ ${fields.map(([name, one]) => `${JSON.stringify(name)}: ${literal(one)}`).join(', ')} }`;
}

/** An answer as the SDK reads it. */
interface Read {
  /** What is wrong with it; empty: nothing. */
  readonly wrong: string[];
  /** A declaration that type checks when the values are those of the SDK's output; none for an error. */
  readonly typed?: string;
}

/** Does the SDK read all that is written, and nothing else? */
async function read(operation: string, answer: Answer): Promise<Read> {
  const { package: from, version, send } = asked(operation, answer);
  let output: object;
  try {
    output = await send();
  } catch (error) {
    const { name, $fault } = error as { name?: string; $fault?: string };
    // Named by the service, and not one of the decoder's.
    const isTheirs = (answer.status ?? 200) >= 400 && $fault !== undefined && name !== 'Unknown';
    return { wrong: isTheirs ? [] : [`an error that no service gives: ${error}`] };
  }
  const { $metadata: _, ...values } = output as { $metadata: unknown };
  const isXml = answer.type.includes('xml');
  const found = leaves(values, isXml ? inXml : inJson).sort();
  const all = written(answer).sort();
  const wrong = JSON.stringify(found) === JSON.stringify(all) ? [] : [`written ${all}, read ${found}`];
  const root = /<(\w+) xmlns="[^"]*\/(\d{4}-\d\d-\d\d)\/"/.exec(answer.body);
  if (isXml && (root?.[1] !== `${operation}Response` || root[2] !== version))
    wrong.push(`root ${root?.[0]}: expected ${operation}Response of ${version}`);
  const type = `Omit<import(${JSON.stringify(from)}).${operation}CommandOutput, '$metadata'>`;
  return { wrong, typed: `export const of: ${type} = ${literal(values)};` };
}

/** What TypeScript says of these declarations, each in a file of its own. */
async function typeErrors(declarations: ReadonlyMap<string, string>): Promise<string[]> {
  const root = join(import.meta.dirname, '../../..');
  const folder = await mkdtemp(join(tmpdir(), 'tandem-answers-'));
  try {
    const names = [...declarations.keys()];
    await Promise.all(names.map((name, i) => writeFile(join(folder, `a${i}.mts`), declarations.get(name) ?? '')));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    const compilerOptions = { types: [] };
    const config = { extends: join(root, 'tsconfig.base.json'), compilerOptions, include: ['*.mts'] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const said = await new Promise<string>((done) =>
      execFile(join(root, 'node_modules/.bin/tsc'), ['--pretty', 'false', '-p', folder], (_error, stdout, stderr) =>
        done(`${stdout}${stderr}`),
      ),
    );
    const lines = said.split('\n').filter(Boolean);
    return lines.map((line) => line.replace(/^.*?\ba(\d+)\.mts/, (_all, i) => `${names[Number(i)]} `));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * @param answers with the key of each (`GetServiceQuota L-0263D0A3`)
 * @returns what is wrong with them, one line each
 */
export async function wrongAnswers(answers: readonly (readonly [key: string, answer: Answer])[]): Promise<string[]> {
  const typed = new Map<string, string>();
  const wrong: string[] = [];
  for (const [key, answer] of new Map(answers.map((one) => [JSON.stringify(one), one])).values()) {
    const result = await read(key.split(' ')[0] ?? '', answer);
    wrong.push(...result.wrong.map((one) => `${key}: ${one}`));
    if (result.typed) typed.set(`${key} ${typed.size}`, result.typed);
  }
  return [...wrong, ...(await typeErrors(typed))];
}
