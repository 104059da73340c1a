// `npm start`. Runs on Node 20 with nothing installed: sets up what is missing, then hands over to infra/local.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildClient, installPackages, modernNode, root, toolEnv } from './lib/setup.mjs';

const args = process.argv.slice(2);
const help = args.includes('--help') || args.includes('-h');
installPackages('runtime');
const node = modernNode();
if (!help) buildClient();

// The channel tells the runner when this process is gone.
const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(root, 'infra/local/main.ts'), ...args], {
  cwd: root,
  env: toolEnv(),
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
});
// Ctrl-C reaches the runner as well: wait for its end.
process.on('SIGINT', () => undefined);
for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
// npm passes a TERM to a shell that dies of it without passing it on: a new parent means the old one is gone.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) child.kill('SIGTERM');
}, 500).unref();
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
