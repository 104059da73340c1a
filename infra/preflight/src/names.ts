/** Names that something may have already: the stack, and the records that it makes. Nothing else of it has a name that we choose. */
import type { Account, DeployedStack } from './account.ts';
import { type Finding, finding, lacking, met } from './finding.ts';
import type { NeededDomain, Needs } from './needs.ts';

/** What to do about a stack that `cdk deploy` cannot update (CloudFormation guide, "Stack status codes"). */
function stuck(name: string, status: string): string | undefined {
  if (status === 'REVIEW_IN_PROGRESS') return undefined;
  if (status.endsWith('_IN_PROGRESS')) return 'wait until it has ended';
  if (status === 'UPDATE_ROLLBACK_FAILED')
    return `mend what its events name, then aws cloudformation continue-update-rollback --stack-name ${name}`;
  return /^(ROLLBACK_|DELETE_|CREATE_FAILED)/.test(status)
    ? `aws cloudformation delete-stack --stack-name ${name}`
    : undefined;
}

/** How descriptions of our stacks begin (infra/src/app-stack.ts). */
const OURS = 'Tandem: WebRTC calls';

/** The stack's description tells whether it is one of ours, and of which profile. */
function ofExisting({ stackName, production }: Needs, { status, description }: DeployedStack): Finding {
  const what = `a stack ${stackName} is there (${status})`;
  const another = 'another name: -c stackName=…';
  if (!description.startsWith(OURS)) return lacking(`${what}, and it is not one of ours`, another);
  const profile = production ? 'production' : 'development';
  if (!description.includes(`${profile} profile`))
    return lacking(`${what}, and not of the ${profile} profile`, another);
  const fix = stuck(stackName, status);
  return fix ? lacking(what, fix) : met(`${what}: cdk deploy updates it`);
}

/** @returns also whether the stack is there, so that the account's use holds it */
export async function stackFinding(account: Account, needs: Needs): Promise<{ isDeployed: boolean; found: Finding }> {
  let isDeployed = false;
  const found = await finding(`stack ${needs.stackName}`, async () => {
    const stack = await account.stack(needs.stackName);
    if (!stack) return met(`no stack is named ${needs.stackName}`);
    // In both of these states nothing of it exists.
    isDeployed = stack.description.startsWith(OURS) && !/^(ROLLBACK_COMPLETE|REVIEW_IN_PROGRESS)$/.test(stack.status);
    return ofExisting(needs, stack);
  });
  return { isDeployed, found };
}

/**
 * Route 53 makes no second record of one name and type, none beside a CNAME, and none with a place beside one without.
 * Route 53 API reference, ChangeResourceRecordSets, and developer guide, "Values specific for latency records".
 */
export function recordFindings(account: Account, domain: NeededDomain, isDeployed: boolean): Promise<Finding>[] {
  const { name, hostedZoneId, sharedName } = domain;
  if (hostedZoneId === undefined) return [];
  const address = (type: string) => ['A', 'AAAA', 'CNAME'].includes(type);
  const free = (one: string) =>
    finding(`records of ${one}`, async () => {
      const taken = (await account.records(hostedZoneId, one)).filter(({ type }) => address(type));
      return taken.length === 0
        ? met(`${one} has no record yet`)
        : lacking(
            `${one} has ${taken.map(({ type }) => type).join(', ')} already`,
            'delete what leads elsewhere, or take another domain',
          );
    });
  const shared = (one: string) =>
    finding(`records of ${one}`, async () => {
      const alone = (await account.records(hostedZoneId, one)).filter(
        ({ type, isShared }) => address(type) && !isShared,
      );
      return alone.length === 0
        ? met(`${one} may lead to several regions`)
        : lacking(`${one} leads to one place (${alone.map(({ type }) => type).join(', ')})`, 'delete that record');
    });
  return [
    // Those of a deployed stack are its own.
    ...(isDeployed ? [] : [free(name), free(`turn.${name}`)]),
    ...(sharedName ? [shared(sharedName)] : []),
  ];
}
