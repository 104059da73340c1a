/**
 * Source of the rotation function (Node 24 on Lambda; the AWS SDK is part of that runtime). The four steps are Secrets Manager's:
 * `createSecret` makes the next value, `setSecret` and `testSecret` have nothing to do (nodes read for themselves), `finishSecret`
 * makes it current. Every step may come twice.
 */
export const ROTATION_CODE = `const { SecretsManagerClient, DescribeSecretCommand, GetSecretValueCommand, PutSecretValueCommand, UpdateSecretVersionStageCommand } = require('@aws-sdk/client-secrets-manager');
const { randomBytes } = require('node:crypto');
const client = new SecretsManagerClient({ requestHandler: { requestTimeout: 5000, throwOnRequestTimeout: true } });
exports.next = (value, fresh) => {
  const [upcoming] = value.accept || [];
  // Rotation: the one that nodes already know becomes the signer; the signer of before stays accepted.
  return upcoming ? { sign: upcoming, accept: [fresh, value.sign] } : { sign: value.sign, accept: [fresh] };
};
exports.handler = async ({ SecretId, ClientRequestToken: token, Step }) => {
  const { VersionIdsToStages: stages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
  if (!stages[token]) throw new Error('this version is not staged for rotation');
  if (stages[token].includes('AWSCURRENT')) return;
  if (Step === 'createSecret') {
    try {
      await client.send(new GetSecretValueCommand({ SecretId, VersionId: token, VersionStage: 'AWSPENDING' }));
    } catch (error) {
      if (error.name !== 'ResourceNotFoundException') throw error;
      const current = await client.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' }));
      const value = exports.next(JSON.parse(current.SecretString), randomBytes(32).toString('hex'));
      await client.send(new PutSecretValueCommand({ SecretId, ClientRequestToken: token, SecretString: JSON.stringify(value), VersionStages: ['AWSPENDING'] }));
    }
  }
  if (Step === 'finishSecret') {
    const current = Object.keys(stages).find((id) => stages[id].includes('AWSCURRENT'));
    await client.send(new UpdateSecretVersionStageCommand({ SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: token, RemoveFromVersionId: current }));
  }
};
`;
