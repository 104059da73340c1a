/**
 * Who may do what by the policies of a template: the evaluation logic of IAM (IAM user guide, "Policy evaluation logic"), as far as these
 * templates use it. An explicit Deny wins; then an Allow is needed. A condition or a negation (NotAction) that this file does not know throws.
 */
type Any = ReturnType<typeof JSON.parse>;

const ACCOUNT = '111122223333';
const REGION = 'eu-west-1';

/** What CloudFormation makes of a value, with logical ids in place of what it invents. */
export function resolve(value: Any): Any {
  if (Array.isArray(value)) return value.map(resolve);
  if (value === null || typeof value !== 'object') return value;
  const [[key, inner] = ['', undefined], ...more] = Object.entries(value as object) as [string, Any][];
  if (more.length === 0) {
    if (key === 'Ref')
      return ({ 'AWS::AccountId': ACCOUNT, 'AWS::Region': REGION, 'AWS::Partition': 'aws' } as Any)[inner] ?? inner;
    if (key === 'Fn::GetAtt') return Array.isArray(inner) ? inner.join('.') : inner;
    if (key === 'Fn::Join') return resolve(inner[1]).join(inner[0]);
    if (key === 'Fn::Sub' && typeof inner === 'string')
      return inner.replace(/\$\{([\w:.]+)\}/g, (_, name: string) => resolve({ Ref: name }));
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, resolve(one)]));
}

export interface Request {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  /** Condition keys of the request, such as aws:SourceAccount. */
  readonly context?: Readonly<Record<string, string>>;
}

const list = (value: Any): string[] => (value === undefined ? [] : [value].flat());
const wild = (pattern: string, text: string, flags = '') =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    flags,
  ).test(text);

function conditionHolds(operator: string, key: string, wanted: string[], context: Request['context'] = {}): boolean {
  const given = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
  switch (operator) {
    case 'StringEquals':
    case 'Bool':
      return given !== undefined && wanted.map(String).includes(given);
    case 'StringLike':
    case 'ArnLike':
    case 'ArnEquals':
      return given !== undefined && wanted.some((pattern) => wild(pattern, given));
    default:
      throw new Error(`policy: the condition operator ${operator} is not known here`);
  }
}

function principalFits(principal: Any, who: string): boolean {
  if (principal === '*') return true;
  return Object.values(principal as object)
    .flatMap(list)
    .some(
      (one) => one === '*' || one === who || (one === `arn:aws:iam::${ACCOUNT}:root` && who.startsWith('arn:aws:')),
    );
}

/** Is this request allowed by these statements? A policy of an identity has no Principal and is its own. */
export function allows(statements: readonly Any[], request: Request): boolean {
  const fitting = statements.map(resolve).filter((s) => {
    for (const name of ['NotAction', 'NotResource', 'NotPrincipal'])
      if (s[name] !== undefined) throw new Error(`policy: ${name} is not known here`);
    if (s.Principal !== undefined && !principalFits(s.Principal, request.principal)) return false;
    if (!list(s.Action).some((action) => wild(action, request.action, 'i'))) return false;
    if (s.Resource !== undefined && !list(s.Resource).some((r) => wild(r, request.resource))) return false;
    return Object.entries((s.Condition ?? {}) as Record<string, Record<string, Any>>).every(([operator, keys]) =>
      Object.entries(keys).every(([key, wanted]) => conditionHolds(operator, key, list(wanted), request.context)),
    );
  });
  return fitting.some((s) => s.Effect === 'Allow') && !fitting.some((s) => s.Effect === 'Deny');
}

/** Statements of a resource's own policy. */
export function resourcePolicy(template: Any, type: string, property: string, logicalId: string): Any[] {
  return Object.values(template.Resources as Record<string, Any>)
    .filter((one) => one.Type === type && JSON.stringify(one.Properties[property] ?? '').includes(`"${logicalId}"`))
    .flatMap((one) => one.Properties.PolicyDocument.Statement);
}

/** Statements of everything attached to a role. */
export function rolePolicies(template: Any, role: string): Any[] {
  return Object.values(template.Resources as Record<string, Any>)
    .filter((one) => one.Type === 'AWS::IAM::Policy' && JSON.stringify(one.Properties.Roles).includes(`"${role}"`))
    .flatMap((one) => one.Properties.PolicyDocument.Statement);
}

/**
 * May a role use a KMS key? The key policy decides: it allows the role itself, or it hands the decision to the account's IAM policies by
 * allowing the account (KMS guide, "Key policies in AWS KMS" and "Default key policy"): without either, no policy of the role helps.
 * A Deny of either side wins.
 */
export function mayUseKey(
  template: Any,
  role: string,
  key: string,
  request: Omit<Request, 'principal' | 'resource'>,
): boolean {
  const byKey: Any[] = template.Resources[key].Properties.KeyPolicy.Statement;
  const byRole = rolePolicies(template, role);
  const denied = (statements: readonly Any[], resource: string, principal: string) =>
    allows([{ Effect: 'Allow', Action: '*', Resource: '*' }], { ...request, resource, principal }) &&
    !allows([{ Effect: 'Allow', Action: '*', Resource: '*' }, ...statements.filter((s) => s.Effect === 'Deny')], {
      ...request,
      resource,
      principal,
    });
  const self = `${role}.Arn`;
  if (denied(byKey, '*', self) || denied(byRole, `${key}.Arn`, self)) return false;
  if (allows(byKey, { ...request, resource: '*', principal: self })) return true;
  const handedOn = allows(byKey, { ...request, resource: '*', principal: `arn:aws:iam::${ACCOUNT}:role/${role}` });
  return handedOn && allows(byRole, { ...request, resource: `${key}.Arn`, principal: self });
}

export { ACCOUNT, REGION };
