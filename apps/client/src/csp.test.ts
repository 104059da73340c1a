import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { contentSecurityPolicy, inlineScriptHashes } from '../scripts/csp.ts';

test('hashes inline scripts, with attributes or without, and nothing else', () => {
  const html =
    '<script src="/a.js"></script><script>one()</script><script id="x">two()</script><script async src="b"></script>';
  const hash = (code: string) => `'sha256-${createHash('sha256').update(code).digest('base64')}'`;
  expect(inlineScriptHashes(html)).toEqual([hash('one()'), hash('two()')]);
});

test('the policy allows ourselves and what was named, nothing unsafe but WebAssembly', () => {
  const policy = contentSecurityPolicy(["'sha256-x'"], 'wss://signal.example');
  expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval' 'sha256-x';");
  expect(policy).toContain("connect-src 'self' wss://signal.example;");
  expect(policy.replace("'wasm-unsafe-eval'", '')).not.toContain('unsafe');
});
