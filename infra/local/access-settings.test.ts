import { AuthConfig } from '@tandem/auth/config';
import { readSettings } from '@tandem/auth/testing';
import { loadConfig } from '@tandem/service';
import { expect, test } from 'vitest';
import { accessSettings } from './access-settings.ts';

const accessOf = (env: Record<string, string>) => {
  const base = { PROFILE: 'development', TOKEN_ISSUER: 't', TOKEN_AUDIENCE: 't', ACCESS: 'open' };
  return [...readSettings(loadConfig(AuthConfig, { ...base, ...accessSettings(env) })).access];
};

test('who may have a token is what the environment says, and guests only where it says nothing', () => {
  expect(accessOf({})).toEqual(['open']);
  expect(accessOf({ ACCESS: '' })).toEqual(['open']);
  expect(accessOf({ ACCESS: 'api-key' })).toEqual(['api-key']);
  expect(accessOf({ ACCESS: 'oidc', OIDC_ISSUER: 'https://id.example', OIDC_AUDIENCE: 'app' })).toEqual(['oidc']);
  expect(() => accessOf({ ACCESS: 'closed' })).toThrow('ACCESS');
  // Every setting that decides it is taken over.
  const deciding = Object.keys(AuthConfig.properties).filter((name) =>
    /^(ACCESS|API_KEYS|OPEN_GRANTS|OIDC_.*)$/.test(name),
  );
  const taken = Object.keys(accessSettings(Object.fromEntries(deciding.map((name) => [name, 'x']))));
  expect(taken.sort()).toEqual(deciding.sort());
});
