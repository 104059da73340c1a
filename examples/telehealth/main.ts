/** A clinic on Tandem: prints the two links of a visit. Without TANDEM_URL it starts a small deployment of its own first. See README.md. */
import { randomBytes } from 'node:crypto';
import { type Deployment, startDeployment } from '../../test/support/deployment.ts';
import { startBackend } from './backend.ts';
import { writeLink } from './links.ts';

const { env } = process;
const VISIT_MS = 3_600_000;
/** A restarted backend that is to know the links of before needs the same one. */
const linkSecret = env.LINK_SECRET ?? randomBytes(32).toString('hex');
const { url, apiKey }: Pick<Deployment, 'url' | 'apiKey'> =
  env.TANDEM_URL && env.TANDEM_API_KEY
    ? { url: env.TANDEM_URL, apiKey: env.TANDEM_API_KEY }
    : await startDeployment({ allowedOrigins: '*' });
const backend = await startBackend({
  ...{ tandemUrl: url, apiKey, linkSecret, roomPrefix: env.ROOM_PREFIX ?? 'clinic-a.' },
  port: Number(env.PORT ?? 8000),
});
const visit = { visit: randomBytes(6).toString('hex'), endsAt: Date.now() + VISIT_MS };
for (const role of ['doctor', 'patient'] as const)
  console.log(`${role.padEnd(7)} ${backend.url}/#${writeLink({ ...visit, role }, linkSecret)}`);
