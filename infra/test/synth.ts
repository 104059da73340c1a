/** Synthesizes the topology as cdk.json would, with every check on; shared by the tests. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CfnGuardValidator } from '@cdklabs/cdk-validator-cfnguard';
import { App, CloudFormationValidatePlugin, type Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { buildTopology } from '../src/app-stack.ts';

const cdkJson = JSON.parse(readFileSync(join(import.meta.dirname, '../../cdk.json'), 'utf8'));
/** The feature flags of cdk.json, which turn schema findings into errors. */
export const FLAGS: Record<string, unknown> = cdkJson.context;

export const PRODUCTION = {
  profile: 'production',
  domainName: 'calls.example.com',
  certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
  regionalCertificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
  hostedZoneId: 'Z0123456789ABCDEFGHIJ',
  hostedZoneName: 'example.com',
  access: 'oidc',
  oidcIssuer: 'https://login.example.com',
  alarmEmails: 'oncall@example.com',
  mediaNodes: '2',
  packagers: '2',
  recordings: 'true',
  events: 'true',
  recognizerImage: `111122223333.dkr.ecr.eu-west-1.amazonaws.com/kaldi-en@sha256:${'ab'.repeat(32)}`,
};

/** A client build of three files. */
export function clientBuild(folder: string): string {
  mkdirSync(join(folder, '_next/static'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>t</title>');
  writeFileSync(join(folder, 'config.json'), '{"signalingUrl":"https://wrong.example"}');
  writeFileSync(join(folder, '_next/static/a.js'), '1');
  writeFileSync(
    join(folder, 'security-headers.json'),
    JSON.stringify({ 'Content-Security-Policy': "default-src 'self'; script-src 'self' 'sha256-abc='" }),
  );
  return folder;
}

export interface Finding {
  readonly plugin: string;
  readonly rule: string;
  readonly resource: string;
  readonly description: string;
}

export interface Synthesized {
  readonly template: Record<string, never>;
  readonly text: string;
  readonly findings: Finding[];
  readonly stack: Stack;
  readonly seconds: number;
}

export interface SynthOptions {
  /** Run cdk-nag, cfn-guard and the schemas. Default true. */
  readonly checks?: boolean;
  readonly built?: boolean;
}

export function synthesize(context: Record<string, unknown>, options: SynthOptions = {}): Synthesized {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-synth-'));
  const before = process.exitCode;
  try {
    const started = performance.now();
    const app = new App({
      context: { ...FLAGS, ...context },
      outdir: join(folder, 'cdk.out'),
      analyticsReporting: false,
    });
    const stack = buildTopology(app, (options.built ?? true) ? clientBuild(join(folder, 'client')) : undefined);
    if (options.checks ?? true)
      Validations.of(app).addPlugins(
        new AwsSolutionsChecks(app),
        new CfnGuardValidator({ maxBuffer: 64 * 1024 * 1024 }),
        // Said by name: plugins of one's own would otherwise leave the default one out.
        new CloudFormationValidatePlugin(),
      );
    const directory = synthQuietly(app);
    const text = readFileSync(join(directory, `${stack.stackName}.template.json`), 'utf8');
    return {
      stack,
      text,
      template: JSON.parse(text),
      findings: readFindings(directory),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    process.exitCode = before;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Synthesizes also when checks find something: the report holds it. @returns folder of the assembly */
export function synthQuietly(app: App): string {
  try {
    return app.synth().directory;
  } catch (error) {
    if (!existsSync(join(app.outdir, 'validation-report.json'))) throw error;
    return app.outdir;
  }
}

/** Findings of the validation report that the assembly holds; empty only when the report says that plugins ran. */
export function readFindings(directory: string): Finding[] {
  const file = join(directory, 'validation-report.json');
  // Written only when something was found; the test that the checks can fail shows that it then is.
  if (!existsSync(file)) return [];
  const report = JSON.parse(readFileSync(file, 'utf8'));
  return report.pluginReports.flatMap((plugin: { pluginName?: string; violations: never[] }) =>
    (
      plugin.violations as unknown as {
        ruleName: string;
        description: string;
        violatingConstructs?: { constructPath?: string }[];
      }[]
    ).flatMap((violation) =>
      (violation.violatingConstructs ?? [{}]).map((one) => ({
        plugin: plugin.pluginName ?? '',
        rule: violation.ruleName,
        resource: one.constructPath ?? '',
        description: violation.description,
      })),
    ),
  );
}
