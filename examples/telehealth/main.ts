/** A clinic on Tandem: prints the two links of a visit. Without TANDEM_URL it starts a small deployment of its own first. See README.md. */
import { randomBytes } from 'node:crypto';
import { type Deployment, startDeployment } from '../../test/support/deployment.ts';
import { startBackend } from './backend.ts';
import { writeLink } from './links.ts';

const { env } = process;
const VISIT_MS = 3_600_000;
/** A restarted backend that is to know the links of before needs the same one. */
const linkSecret = env.LINK_SECRET ?? randomBytes(32).toString('hex');
const port = Number(env.PORT ?? 8000);
await using after = new AsyncDisposableStack();
const { url, apiKey }: Pick<Deployment, 'url' | 'apiKey'> =
  env.TANDEM_URL && env.TANDEM_API_KEY
    ? { url: env.TANDEM_URL, apiKey: env.TANDEM_API_KEY }
    : after.use(await startDeployment({ allowedOrigins: '*' }));
try {
  const backend = await startBackend({
    ...{ tandemUrl: url, apiKey, linkSecret, roomPrefix: env.ROOM_PREFIX ?? 'clinic-a.' },
    port,
  });
  // They go with this process.
  after.move();
  const visit = { visit: randomBytes(6).toString('hex'), endsAt: Date.now() + VISIT_MS };
  for (const role of ['doctor', 'patient'] as const)
    console.log(`${role.padEnd(7)} ${backend.url}/#${writeLink({ ...visit, role }, linkSecret)}`);
} catch (error) {
  const { code } = error as { code?: unknown };
  if (code !== 'EADDRINUSE' && code !== 'ERR_SOCKET_BAD_PORT' && code !== 'EACCES') throw error;
  console.error(
    code === 'EADDRINUSE'
      ? `Port ${port} is in use. Say another one: PORT=8001 npm run example:telehealth`
      : `PORT=${env.PORT} cannot be listened on. Say a free one above 1023: PORT=8001 npm run example:telehealth`,
  );
  process.exitCode = 1;
}
