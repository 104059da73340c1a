import Type from 'typebox';
import { expect, test } from 'vitest';
import { loadConfig } from './config.ts';
import { nearestSetting } from './setting-names.ts';
import { isOrigin } from './settings.ts';

const schema = Type.Object({ MAX_CONNECTIONS: Type.Integer({ default: 10 }), REDIS_URL: Type.Optional(Type.String()) });

test('a misspelt setting stops the start and names the one that was meant; other variables pass', () => {
  for (const name of ['MAX_CONECTIONS', 'MAX_CONNECTION', 'MXA_CONNECTIONS', 'MAX_CONNECTIONS_'])
    expect(() => loadConfig(schema, { [name]: '5' }), name).toThrow(
      `configuration: ${name} is unknown. Did you mean MAX_CONNECTIONS?`,
    );
  // Another program's variable may look alike: with the right one there, it is no slip.
  expect(loadConfig(schema, { MAX_CONNECTIONS: '5', MAX_CONNECTION: '6' }).MAX_CONNECTIONS).toBe(5);
  expect(loadConfig(schema, { PATH: '/bin', HOSTNAME: 'a', MAXIMUM: '1', REDIS: 'x' }).MAX_CONNECTIONS).toBe(10);
  // Unset is not given, and empty counts as unset.
  expect(loadConfig(schema, { MAX_CONECTIONS: '' }).MAX_CONNECTIONS).toBe(10);
});

test('a number must be finite', () => {
  for (const value of ['Infinity', '-Infinity', 'NaN', '1e999'])
    expect(() => loadConfig(schema, { MAX_CONNECTIONS: value }), value).toThrow(/^configuration: .*MAX_CONNECTIONS/);
});

test('only near names are taken for a slip', () => {
  const known = ['MAX_CONNECTIONS', 'TURN_SECRETS', 'TURN_SECRET_ID', 'ACCESS', 'ZONE', 'JWKS_URL'];
  expect(nearestSetting('TURN_SECRET', known)).toBe('TURN_SECRETS');
  expect(nearestSetting('MIN_CONNECTIONS', known)).toBe('MAX_CONNECTIONS');
  expect(nearestSetting('ACCES', known)).toBe('ACCESS');
  expect(nearestSetting('ACCSES', known)).toBeUndefined();
  expect(nearestSetting('ZONES', known)).toBeUndefined();
  // Another program's short name, two letters from a setting.
  expect(nearestSetting('JWT_URL', known)).toBeUndefined();
  expect(nearestSetting('TIMEZONE', known)).toBeUndefined();
  expect(nearestSetting('TURN_SECRETS', known)).toBeUndefined();
});

test.each([
  ['https://app.example.com', true],
  ['http://localhost:3000', true],
  ['capacitor://localhost', true],
  ['app://-', true],
  ['https://app.example.com/', false],
  ['HTTPS://app.example.com', false],
  ['capacitor://localhost/index.html', false],
  ['app.example.com', false],
  ['file:///', false],
  ['null', false],
])('%s as an origin: %s', (text, isOne) => {
  expect(isOrigin(text)).toBe(isOne);
});
