/**
 * Source of the function (Node 24 on Lambda; the AWS SDK is part of that runtime) that removes the security group of CloudFront's interfaces from a VPC, for CloudFormation,
 * which waits for its answer (CloudFormation guide, "Custom resource request objects" and "Custom resource response objects"). An interface that is just being
 * removed still holds the group: EC2 says DependencyViolation, and is asked again until a minute before the function's time is over. Who holds it even then is another origin of this VPC: its own
 * removal takes the group, or the deletion of the VPC says what is in its way. EC2 may list for some time what it has deleted (EC2 API guide, "Eventual consistency").
 */
export const REMOVAL_CODE = `const { EC2Client, DescribeSecurityGroupsCommand, DeleteSecurityGroupCommand } = require('@aws-sdk/client-ec2');
const client = new EC2Client({ requestHandler: { requestTimeout: 10000, throwOnRequestTimeout: true } });
exports.pauseMs = 10000;
const pause = () => new Promise((done) => setTimeout(done, exports.pauseMs));
async function remove(vpc, remainingMs) {
  const Filters = [{ Name: 'vpc-id', Values: [vpc] }, { Name: 'group-name', Values: ['CloudFront-VPCOrigins-Service-SG'] }];
  for (;;) {
    const { SecurityGroups = [] } = await client.send(new DescribeSecurityGroupsCommand({ Filters }));
    if (SecurityGroups.length === 0) return;
    try {
      await client.send(new DeleteSecurityGroupCommand({ GroupId: SecurityGroups[0].GroupId }));
      return;
    } catch (error) {
      if (error.name === 'InvalidGroup.NotFound') return;
      if (error.name !== 'DependencyViolation') throw error;
      if (remainingMs() < 60000) return console.warn('still held, and left to who holds it: ' + error.message);
      await pause();
    }
  }
}
exports.handler = async (event, context) => {
  const { StackId, RequestId, LogicalResourceId, ResourceProperties: { Vpc } } = event;
  const isDelete = event.RequestType === 'Delete';
  // With another VPC an update answers another id, so CloudFormation has the old one deleted.
  const PhysicalResourceId = isDelete ? event.PhysicalResourceId : Vpc;
  let answer = { Status: 'SUCCESS' };
  try {
    if (isDelete) await remove(Vpc, () => context.getRemainingTimeInMillis());
  } catch (error) {
    answer = { Status: 'FAILED', Reason: 'The security group of CloudFront in ' + Vpc + ': ' + String(error).slice(0, 500) };
  }
  // As bytes, which have no type: the address is signed for a request without one.
  const body = new TextEncoder().encode(JSON.stringify({ ...answer, PhysicalResourceId, StackId, RequestId, LogicalResourceId }));
  const taken = await fetch(event.ResponseURL, { method: 'PUT', body });
  if (!taken.ok) throw new Error('the answer was refused with ' + taken.status);
};
`;
