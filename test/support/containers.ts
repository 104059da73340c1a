/** The containers that scripts/test-containers.mjs has brought up. */
import { execFileSync } from 'node:child_process';

/** Names of the containers of a service of this run. */
export function containersOf(service: string): string[] {
  const filters = [
    `label=com.docker.compose.project=${process.env.COMPOSE_PROJECT_NAME}`,
    `label=com.docker.compose.service=${service}`,
  ].flatMap((filter) => ['--filter', filter]);
  return execFileSync('docker', ['ps', ...filters, '--format', '{{.Names}}'], { encoding: 'utf8' })
    .trim()
    .split('\n');
}
