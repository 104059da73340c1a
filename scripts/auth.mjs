// `npm run auth -- …`: keys and API keys by hand (apps/auth/src/cli.ts). Runs on Node 20: hands over to a Node that runs TypeScript.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { installPackages, modernNode, root, toolEnv } from './lib/setup.mjs';

installPackages('runtime');
// In the caller's folder, as paths of key files are relative to it.
const cwd = process.env.INIT_CWD ?? process.cwd();
const cli = join(root, 'apps/auth/src/cli.ts');
const done = spawnSync(modernNode(), ['--disable-warning=ExperimentalWarning', cli, ...process.argv.slice(2)], {
  cwd,
  env: toolEnv(),
  stdio: 'inherit',
});
process.exitCode = done.status ?? 1;
