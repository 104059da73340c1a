/** `npm run preflight -- --profile production --region eu-west-1 …`: what the account lacks, before `cdk deploy` says so half way. */
import { parseArgs } from 'node:util';
import { accountOf } from './src/account.ts';
import { preflight, preflightText } from './src/checks.ts';
import { type NeededDomain, type Needs, needsOf } from './src/needs.ts';

const HELP = `npm run preflight -- --profile production --region eu-west-1 [options]

Reads quotas and their use, names, certificates, zone, instance and cache node types and the bootstrap version with your AWS credentials, and
prints what lacks.
Exit code 0: nothing; 1: something; 2: wrong use. Changes nothing.

  --profile NAME                development or production (default production)
  --region NAME                 default: AWS_REGION
  --stack-name NAME             default Tandem
  --domain NAME --certificate-arn ARN --regional-certificate-arn ARN [--hosted-zone-id ID] [--shared-domain NAME]
  --zones N --signaling-tasks N --turn-nodes N --media-nodes N --cache-shards N --events --captions --recordings
                                as the context values of cdk deploy
`;

class UsageError extends Error {
  override name = 'UsageError';
}

const OPTIONS = {
  profile: { type: 'string' },
  region: { type: 'string' },
  'stack-name': { type: 'string' },
  domain: { type: 'string' },
  'certificate-arn': { type: 'string' },
  'regional-certificate-arn': { type: 'string' },
  'hosted-zone-id': { type: 'string' },
  'shared-domain': { type: 'string' },
  zones: { type: 'string' },
  'signaling-tasks': { type: 'string' },
  'turn-nodes': { type: 'string' },
  'media-nodes': { type: 'string' },
  'cache-shards': { type: 'string' },
  events: { type: 'boolean' },
  captions: { type: 'boolean' },
  recordings: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;
type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

function valuesOf(args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message.split('. ')[0] : error}. Known: --help`);
  }
}

function wholeNumber(
  values: Values,
  name: 'zones' | 'signaling-tasks' | 'turn-nodes' | 'media-nodes' | 'cache-shards',
) {
  const text = values[name];
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new UsageError(`--${name} ${text}: expected a whole number from 1 to 9999`);
  return Number(text);
}

function domainOf(values: Values): NeededDomain | undefined {
  const { domain, 'certificate-arn': certificateArn, 'regional-certificate-arn': regionalCertificateArn } = values;
  if (domain === undefined) return undefined;
  for (const [name, arn] of Object.entries({
    'certificate-arn': certificateArn,
    'regional-certificate-arn': regionalCertificateArn,
  }))
    if (!arn?.startsWith('arn:')) throw new UsageError(`--${name}: a domain needs the ARN of its certificate`);
  return {
    name: domain,
    certificateArn: certificateArn ?? '',
    regionalCertificateArn: regionalCertificateArn ?? '',
    ...(values['hosted-zone-id'] ? { hostedZoneId: values['hosted-zone-id'] } : {}),
    ...(values['shared-domain'] ? { sharedName: values['shared-domain'] } : {}),
  };
}

function readNeeds(values: Values): Needs {
  const profile = values.profile ?? 'production';
  if (profile !== 'production' && profile !== 'development')
    throw new UsageError(`--profile ${profile}: expected development or production`);
  const region = values.region ?? process.env.AWS_REGION;
  if (!region) throw new UsageError('--region: name the region of the stack, such as eu-west-1');
  const sizes = {
    zones: wholeNumber(values, 'zones'),
    signalingTasks: wholeNumber(values, 'signaling-tasks'),
    turnNodes: wholeNumber(values, 'turn-nodes'),
    mediaNodes: wholeNumber(values, 'media-nodes'),
    cacheShards: wholeNumber(values, 'cache-shards'),
    events: values.events,
    captions: values.captions,
    recordings: values.recordings,
    stackName: values['stack-name'],
  };
  const given = Object.fromEntries(Object.entries(sizes).filter(([, value]) => value !== undefined));
  return needsOf(profile, region, given, domainOf(values));
}

try {
  const values = valuesOf(process.argv.slice(2));
  if (values.help) console.log(HELP);
  else {
    const needs = readNeeds(values);
    const findings = await preflight(accountOf(needs.region), needs);
    console.log(preflightText(findings));
    process.exitCode = findings.every(({ state }) => state === 'met') ? 0 : 1;
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
