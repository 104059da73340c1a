/** The CDK app: one stack with the whole topology. Context: see docs/deployment-and-testing.md. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { buildTopology } from './src/app-stack.ts';

const app = new App();
const build = join(import.meta.dirname, '..', 'apps', 'client', 'out');
try {
  buildTopology(app, existsSync(join(build, 'index.html')) ? build : undefined);
} catch (error) {
  // One line for a person, not the stack of the framework.
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
