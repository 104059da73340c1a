/**
 * Does an alarm reach anybody? CloudWatch may publish to the topic (its access policy, read as SNS reads it) and use the key that encrypts
 * it (its key policy, read as KMS reads it), and at least one subscription is confirmed. A mail address that was never confirmed gets nothing, and nothing says so.
 */
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';

/** The KMS key of an encrypted topic. */
export interface TopicKey {
  /** Such as Enabled, Disabled or PendingDeletion (KMS API reference, "KeyMetadata", KeyState). */
  readonly state: string;
  /** Its key policy, JSON. */
  readonly policy: string;
}

/** What SNS tells of a topic (GetTopicAttributes), and KMS of its key. */
export interface TopicAttributes {
  readonly Policy?: string;
  readonly SubscriptionsConfirmed?: string;
  readonly SubscriptionsPending?: string;
  readonly TopicArn?: string;
  readonly Owner?: string;
  /** Id, ARN or alias; none where the topic is not encrypted. */
  readonly KmsMasterKeyId?: string;
  readonly key?: TopicKey;
}

/** Reads the attributes of a topic. */
export type ReadTopic = (topicArn: string) => Promise<TopicAttributes>;

const Texts = Type.Union([Type.String(), Type.Array(Type.String())]);
const Principal = Type.Union([Type.Literal('*'), Type.Record(Type.String(), Texts)]);
const Statement = Type.Object({
  Effect: Type.Union([Type.Literal('Allow'), Type.Literal('Deny')]),
  Principal: Type.Optional(Principal),
  NotPrincipal: Type.Optional(Type.Unknown()),
  Action: Type.Optional(Texts),
  NotAction: Type.Optional(Texts),
  Resource: Type.Optional(Texts),
  NotResource: Type.Optional(Texts),
  Condition: Type.Optional(Type.Record(Type.String(), Type.Record(Type.String(), Texts))),
});
type Statement = Static<typeof Statement>;
const Policy = Type.Object({ Statement: Type.Union([Statement, Type.Array(Statement)]) });

interface Request {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  /** Condition keys of the request, in lower case. */
  readonly context: Readonly<Record<string, string>>;
}

/** `*` and `?` of policies, upper and lower case alike where AWS compares so. */
function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${expression}$`, 'i').test(text);
}

const listOf = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/**
 * Does the condition hold? Undefined: it uses an operator that is not known here.
 * Operators: IAM user guide, "IAM JSON policy elements: Condition operators".
 */
function holds(condition: Statement['Condition'], context: Request['context']): boolean | undefined {
  for (const [written, keys] of Object.entries(condition ?? {}))
    for (const [key, value] of Object.entries(keys)) {
      const optional = written.endsWith('IfExists');
      const operator = written.replace(/IfExists$/, '');
      const actual = context[key.toLowerCase()];
      if (actual === undefined && optional) continue;
      const test = CONDITION_TESTS[operator];
      if (!test) return undefined;
      if (!test(listOf(value), actual)) return false;
    }
  return true;
}

const some = (compare: (wanted: string, actual: string) => boolean) => (wanted: readonly string[], actual?: string) =>
  actual !== undefined && wanted.some((one) => compare(one, actual));
const CONDITION_TESTS: Readonly<Record<string, (wanted: readonly string[], actual?: string) => boolean>> = {
  StringEquals: some((wanted, actual) => wanted === actual),
  StringLike: some(matches),
  ArnLike: some(matches),
  ArnEquals: some(matches),
  Bool: some((wanted, actual) => wanted.toLowerCase() === actual.toLowerCase()),
};

function principalFits(principal: Statement['Principal'], asked: string): boolean {
  if (principal === '*') return true;
  return listOf(principal?.Service).some((one) => one === asked) || listOf(principal?.AWS).includes('*');
}

/** Allowed, denied by a statement, or not allowed by any (IAM user guide, "Policy evaluation logic"). */
function evaluate(statements: readonly Statement[], request: Request): 'allowed' | 'denied' | 'not allowed' {
  const applies = (statement: Statement) => {
    if (statement.NotPrincipal !== undefined || statement.NotAction || statement.NotResource) return undefined;
    if (!principalFits(statement.Principal, request.principal)) return false;
    if (!listOf(statement.Action).some((one) => matches(one, request.action))) return false;
    if (!listOf(statement.Resource).some((one) => matches(one, request.resource))) return false;
    return holds(statement.Condition, request.context);
  };
  // What is not understood counts for the worse: a Deny denies, an Allow allows nothing.
  if (statements.some((one) => one.Effect === 'Deny' && applies(one) !== false)) return 'denied';
  return statements.some((one) => one.Effect === 'Allow' && applies(one) === true) ? 'allowed' : 'not allowed';
}

/** @throws Error when it is no policy, naming `whose` */
function statementsOf(text: string | undefined, whose: string): readonly Statement[] {
  let policy: unknown;
  try {
    policy = JSON.parse(text || '{}');
  } catch {
    policy = undefined;
  }
  if (!Check(Policy, policy)) throw new Error(`the ${whose} of the alarm topic cannot be read`);
  return [(policy as Static<typeof Policy>).Statement].flat();
}

/**
 * CloudWatch encrypts a message before SNS stores it, by the key policy alone: it has no role (SNS guide, "Enable compatibility between event
 * sources from AWS services and encrypted topics"). The key that AWS manages (alias/aws/sns) lets no service in.
 */
const KEY_ACTIONS = ['kms:GenerateDataKey', 'kms:Decrypt'];

function examineKey(topicArn: string, key: TopicKey | undefined, context: Request['context']): void {
  if (!key) throw new Error('the key of the alarm topic cannot be read');
  if (key.state !== 'Enabled')
    throw new Error(
      `the key of the alarm topic is ${key.state}, so no alarm reaches anybody. Fix: another key, or enable it`,
    );
  const statements = statementsOf(key.policy, 'key policy');
  for (const action of KEY_ACTIONS) {
    const verdict = evaluate(statements, {
      principal: 'cloudwatch.amazonaws.com',
      action,
      resource: '*',
      // SNS guide, "Key management": its encryption context.
      context: { ...context, 'kms:encryptioncontext:aws:sns:topicarn': topicArn },
    });
    if (verdict !== 'allowed')
      throw new Error(
        `the key of the alarm topic: CloudWatch is ${verdict} ${action}, so no alarm reaches anybody. Fix: a key of your own whose policy allows kms:Decrypt and kms:GenerateDataKey* to cloudwatch.amazonaws.com`,
      );
  }
}

/**
 * @param now what SNS and KMS said of the topic
 * @returns how many confirmed subscriptions hear an alarm
 * @throws Error that says what breaks the path, and the fix
 */
export function examineAlarmPath(topicArn: string, now: TopicAttributes): number {
  const [, , , region = '', account = ''] = topicArn.split(':');
  const context = {
    'aws:securetransport': 'true',
    'aws:sourceaccount': account,
    'aws:sourcearn': `arn:aws:cloudwatch:${region}:${account}:alarm:any`,
  };
  const verdict = evaluate(statementsOf(now.Policy, 'access policy'), {
    principal: 'cloudwatch.amazonaws.com',
    action: 'sns:Publish',
    resource: topicArn,
    // The key that SNS' own default policy asks for; CloudWatch's alarms satisfy it.
    context: { ...context, 'aws:sourceowner': account },
  });
  if (verdict !== 'allowed')
    throw new Error(
      `the topic's access policy: CloudWatch is ${verdict} to publish, so no alarm reaches anybody. Fix: allow sns:Publish to cloudwatch.amazonaws.com`,
    );
  if (now.KmsMasterKeyId) examineKey(topicArn, now.key, context);
  const confirmed = Number(now.SubscriptionsConfirmed ?? 0);
  if (!(confirmed > 0))
    throw new Error(
      `the alarm topic has no confirmed subscription (${now.SubscriptionsPending ?? 0} pending). Fix: confirm the mail, or subscribe somebody`,
    );
  return confirmed;
}
