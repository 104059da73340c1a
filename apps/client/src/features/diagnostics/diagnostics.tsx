'use client';
import '../../i18n/load-rest.ts';
import '../../styles/diagnostics.css';
import { useState } from 'react';
import { useText } from '../../i18n/index.ts';
import { basePath } from '../../lib/runtime-config.ts';
import { Icon } from '../../ui/icons.tsx';
import { Shell } from '../../ui/shell.tsx';
import { CHECKS, type CheckName, type CheckResult, type Findings, runCheck } from './checks.ts';

const LABEL = {
  camera: 'diag.camera',
  microphone: 'diag.microphone',
  service: 'diag.service',
  relay: 'diag.relay',
  loop: 'diag.loop',
} as const;
const VERDICT = { pass: 'diag.pass', warn: 'diag.warn', fail: 'diag.fail', skip: 'diag.skipped' } as const;

/** Five checks one after the other, each with a plain verdict, and a report to hand to support. */
export function Diagnostics() {
  const t = useText();
  const [results, setResults] = useState<Partial<Record<CheckName, CheckResult>>>({});
  const [running, setRunning] = useState<CheckName | undefined>();
  const [copied, setCopied] = useState(false);
  const done = CHECKS.every((name) => results[name]);

  async function start() {
    setResults({});
    setCopied(false);
    const findings: Findings = {};
    for (const name of CHECKS) {
      setRunning(name);
      const result = await runCheck(name, findings);
      setResults((before) => ({ ...before, [name]: result }));
    }
    setRunning(undefined);
  }

  const report = done
    ? [
        `Tandem ${process.env.NEXT_PUBLIC_VERSION ?? ''} · ${new Date().toISOString()}`,
        navigator.userAgent,
        ...CHECKS.map((name) => {
          const result = results[name] as CheckResult;
          return `${result.verdict.toUpperCase().padEnd(5)} ${t(LABEL[name])}: ${t(result.key, result.values)}`;
        }),
      ].join('\n')
    : '';

  return (
    <Shell
      actions={
        <a className="button quiet compact" href={`${basePath}/`}>
          <span className="flip">
            <Icon name="back" size={18} />
          </span>
          {t('app.back')}
        </a>
      }
    >
      <main id="main" className="diagnostics">
        <hgroup>
          <h1>{t('diag.title')}</h1>
          <p className="soft">{t('diag.intro')}</p>
        </hgroup>
        <ol className="checks">
          {CHECKS.map((name) => {
            const result = results[name];
            const state = running === name ? 'running' : (result?.verdict ?? 'wait');
            return (
              <li key={name} className="check" data-testid={`check-${name}`} data-state={state}>
                <span className="check-mark" aria-hidden="true">
                  {state === 'running' ? (
                    <span className="spinner" />
                  ) : state === 'pass' ? (
                    <Icon name="check" size={18} />
                  ) : state === 'fail' ? (
                    <Icon name="close" size={18} />
                  ) : state === 'warn' ? (
                    <Icon name="alert" size={18} />
                  ) : null}
                </span>
                <div>
                  <h2>{t(LABEL[name])}</h2>
                  <p className="small soft" role="status">
                    {state === 'running'
                      ? t(name === 'microphone' ? 'diag.speak' : 'diag.running')
                      : result
                        ? t(result.key, result.values)
                        : t('diag.wait')}
                  </p>
                </div>
                {result && <b className="verdict">{t(VERDICT[result.verdict])}</b>}
              </li>
            );
          })}
        </ol>
        <div className="diag-actions">
          <button
            type="button"
            className="button primary large"
            data-testid="run-checks"
            disabled={running !== undefined}
            onClick={() => void start()}
          >
            {running ? t('diag.running') : done ? t('diag.again') : t('diag.start')}
          </button>
          {done && (
            <button
              type="button"
              className="button large"
              onClick={() => {
                navigator.clipboard?.writeText(report).then(
                  () => setCopied(true),
                  () => {},
                );
              }}
            >
              <Icon name={copied ? 'check' : 'copy'} size={20} />
              {copied ? t('call.copied') : t('diag.copy')}
            </button>
          )}
        </div>
        {done && (
          <pre className="report" data-testid="report" dir="auto">
            {report}
          </pre>
        )}
      </main>
    </Shell>
  );
}
