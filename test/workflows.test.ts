/** The workflows of .github are valid by GitHub's own parser, and every command, script and context value that they name exists. */
import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { buildTopology } from '../infra/src/app-stack.ts';
import { IMAGES } from '../infra/topology/images.ts';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, '.github/workflows');
const files = readdirSync(folder);
const text = (file: string) => readFileSync(join(folder, file), 'utf8');

interface Step {
  readonly run?: string;
  readonly uses?: string;
}
interface Job {
  readonly steps?: readonly Step[];
  readonly uses?: string;
  readonly permissions?: Record<string, string>;
}
const jobs = (file: string): Job[] => Object.values((parse(text(file)) as { jobs: Record<string, Job> }).jobs);

const made = mkdtempSync(join(tmpdir(), 'workflows-'));
afterAll(() => rmSync(made, { recursive: true, force: true }));

/** Errors that GitHub would show for a workflow of this text. */
let errorsOf: (name: string, content: string) => Promise<string[]>;

beforeAll(async () => {
  // The package imports its schema as JSON without saying so, which Node refuses: bundled it is plain code.
  const outfile = join(made, 'parser.mjs');
  await build({
    stdin: { contents: "export * from '@actions/workflow-parser';", resolveDir: root },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    banner: { js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);" },
  });
  const parser = (await import(outfile)) as typeof import('@actions/workflow-parser');
  errorsOf = async (name, content) => {
    const { context, value } = parser.parseWorkflow({ name, content }, new parser.NoOperationTraceWriter());
    if (value) await parser.convertWorkflowTemplate(context, value);
    return context.errors.getErrors().map(({ message }) => message);
  };
});

test('GitHub finds no error, and would find a wrong trigger, permission, key, context, function and expression', async () => {
  expect(files.length).toBeGreaterThan(2);
  for (const file of files) expect(await errorsOf(file, text(file)), file).toEqual([]);
  const release = text('release.yml');
  for (const [good, bad] of [
    ['workflow_call', 'workflow_calls'],
    ['id-token: write', 'id-tokens: write'],
    ['timeout-minutes', 'timeout-minute'],
    ['inputs.stage }}', 'input.stage }}'],
    ['failure()', 'failed()'],
    ["canary == 'failure'", "canary = 'failure'"],
  ] as const)
    expect((await errorsOf('release.yml', release.replace(good, bad))).length, bad).toBeGreaterThan(0);
});

test('every npm script and file that a step runs is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const runs = files.flatMap(jobs).flatMap((job) => job.steps?.flatMap((step) => step.run ?? []) ?? []);
  for (const run of runs) {
    for (const [, script = ''] of run.matchAll(/npm run ([\w:-]+)(?! -w)(?=[ \n]|$)/g))
      expect(scripts, run).toHaveProperty(script);
    for (const [, node, file = ''] of run.matchAll(/(node )?((?:infra\/scripts|scripts|\.ci)\/[\w.-]+)/g)) {
      const { mode } = statSync(join(root, file));
      if (!node) expect(mode & 0o100).not.toBe(0);
    }
  }
  for (const { uses } of files.flatMap(jobs)) if (uses) expect(statSync(join(root, uses)).isFile()).toBe(true);
});

test('an action of others is a commit, with its version beside it, and one commit everywhere', () => {
  // GitHub Docs, "Secure use reference", "Using third-party actions": a full-length commit SHA is the only way to use an action as an
  // immutable release; who takes over its repository can move a tag. Dependabot renews the SHA and the comment together.
  const used = files.flatMap((file) =>
    [...text(file).matchAll(/^\s*(?:- )?uses: (?!\.\/)(.*)$/gm)].map(([, of = '']) => of),
  );
  expect(used).toHaveLength(files.flatMap(jobs).flatMap((job) => job.steps?.filter((step) => step.uses) ?? []).length);
  for (const of of used) expect(of).toMatch(/^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  expect(new Set(used).size).toBe(new Set(used.map((of) => of.split('@')[0])).size);
});

test('no key of AWS: a role by OIDC wherever credentials are asked for', () => {
  for (const file of files) {
    expect(text(file)).not.toMatch(/aws-access-key-id|aws-secret-access-key/);
    for (const job of jobs(file))
      if (job.steps?.some((step) => step.uses?.startsWith('aws-actions/configure-aws-credentials')))
        expect(job.permissions).toMatchObject({ 'id-token': 'write' });
  }
});

test('a deployment of three hours is inside the limits of its job and of its credentials, and going back has both of its own', () => {
  const release = parse(text('release.yml')) as { jobs: Record<string, Job & { 'timeout-minutes'?: number }> };
  type Timed = { run?: string; uses?: string; with?: Record<string, unknown>; 'timeout-minutes'?: number };
  const deploying = Object.entries(release.jobs).filter(([, job]) =>
    job.steps?.some(({ run }) => run?.includes('deploy-release.sh')),
  );
  expect(deploying.map(([name]) => name)).toEqual(['release', 'roll-back']);
  for (const [name, job] of deploying) {
    const steps = job.steps as Timed[];
    const deploys = steps.filter(({ run }) => run?.includes('deploy-release.sh'));
    // More than one after the other would share what one needs.
    expect(deploys, name).toHaveLength(1);
    const minutes = deploys[0]?.['timeout-minutes'] ?? Number.POSITIVE_INFINITY;
    expect(minutes, name).toBeGreaterThanOrEqual(180);
    const session = Number(
      steps.find(({ uses }) => uses?.includes('configure-aws-credentials'))?.with?.['role-duration-seconds'],
    );
    expect(session / 60, name).toBeGreaterThanOrEqual(minutes + 30);
    // IAM guide, "Update the maximum session duration for a role": 12 hours at most. The page says what the role must have.
    expect(session).toBeLessThanOrEqual(43_200);
    expect(readFileSync(join(root, 'docs/deployment-and-testing.md'), 'utf8')).toContain(
      `--max-session-duration ${session}`,
    );
    // GitHub Docs, "Actions limits": a job on a hosted runner ends after 6 hours.
    expect(job['timeout-minutes'], name).toBeGreaterThanOrEqual(minutes + 60);
    expect(job['timeout-minutes'], name).toBeLessThanOrEqual(360);
  }
});

/** Runs deploy-release.sh with programs that note what they are asked. */
function deploy(digest: string): { said: string; status: number } {
  const bin = mkdtempSync(join(tmpdir(), 'deploy-'));
  onTestFinished(() => rmSync(bin, { recursive: true }));
  writeFileSync(join(bin, 'aws'), `#!/bin/sh\necho '${digest}'\n`);
  writeFileSync(join(bin, 'npx'), '#!/bin/sh\nprintf "%s\\n" "$@"\n');
  for (const name of ['aws', 'npx']) chmodSync(join(bin, name), 0o755);
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    REGISTRY: '111122223333.dkr.ecr.eu-west-1.amazonaws.com',
    CONTEXT: '-c profile=development -c stackName=Staging',
  };
  try {
    const options: ExecFileSyncOptionsWithStringEncoding = { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };
    return { said: execFileSync(join(root, 'scripts/deploy-release.sh'), ['0123abc'], options), status: 0 };
  } catch (error) {
    const { stderr, status } = error as { stderr: string; status: number };
    return { said: stderr, status };
  }
}

/** Every image of the tasks, in the form that a person reads. */
function imagesOf(template: Template): string[] {
  const text = (value: unknown): string => {
    const join = (value as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join'];
    return join ? join[1].map(text).join(join[0]) : typeof value === 'string' ? value : JSON.stringify(value);
  };
  return Object.values(template.findResources('AWS::ECS::TaskDefinition')).flatMap(({ Properties }) =>
    Properties.ContainerDefinitions.map(({ Image: image }: { Image: unknown }) =>
      text((image as { 'Fn::Sub'?: string })['Fn::Sub'] ?? image),
    ),
  );
}

test('the pipeline builds each image that the stack takes, as a target of the Dockerfile, and the page names its repositories', () => {
  const { names, images } = (parse(text('deploy.yml')) as { jobs: Record<string, Job & { strategy: unknown }> }).jobs;
  expect(images?.strategy).toEqual({ matrix: { image: `\${{ fromJSON(needs.names.outputs.images) }}` } });
  const output = join(made, 'output');
  const run = names?.steps?.find((step) => step.run)?.run ?? '';
  execFileSync('bash', ['-ec', run], { cwd: root, env: { PATH: process.env.PATH, GITHUB_OUTPUT: output } });
  expect(JSON.parse(readFileSync(output, 'utf8').replace('images=', ''))).toEqual(IMAGES);
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  for (const name of IMAGES) expect(dockerfile).toMatch(new RegExp(`^FROM \\S+ AS ${name}$`, 'm'));
  const page = readFileSync(join(root, 'docs/deployment-and-testing.md'), 'utf8');
  const [repositories = ''] = /ECR repositories .* with immutable tags/.exec(page) ?? [];
  expect([...repositories.matchAll(/`tandem\/(\w+)`/g)].map(([, name]) => name)).toEqual(IMAGES);
});

test('the release script deploys every image by digest, as context values that the stack takes; a missing image stops it', () => {
  const digest = `sha256:${'ab'.repeat(32)}`;
  const { said } = deploy(digest);
  const context = Object.fromEntries(
    [...said.matchAll(/^-c\n(\w+)=(.+)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  expect(context).toMatchObject({ profile: 'development', stackName: 'Staging' });
  const whole = {
    ...{ ...context, mediaNodes: '2', packagers: '2', events: 'true', recordings: 'true' },
    recognizers: 'en=wss://speech.example.org/en',
  };
  const outdir = mkdtempSync(join(tmpdir(), 'deploy-cdk-'));
  onTestFinished(() => rmSync(outdir, { recursive: true }));
  const template = Template.fromStack(buildTopology(new App({ context: whole, outdir }), undefined));
  const images = imagesOf(template);
  for (const name of IMAGES) expect(images).toContainEqual(expect.stringContaining(`/tandem/${name}@${digest}`));
  // Whatever the stack runs was built by the pipeline, or is another's, pinned: nothing is left for `cdk deploy` to build.
  for (const image of images) expect(image).toMatch(/@sha256:[0-9a-f]{64}/);
  expect(deploy('None')).toEqual({ said: expect.stringContaining('no image of tandem/auth for 0123abc'), status: 1 });
  const tagged = { ...context, authImage: '111122223333.dkr.ecr.eu-west-1.amazonaws.com/tandem/auth:latest' };
  expect(() => buildTopology(new App({ context: tagged, outdir }), undefined)).toThrow(
    /context.authImage: .*by digest/,
  );
});
