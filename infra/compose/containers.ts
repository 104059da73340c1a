/** What the containers have in common. */

/** No root file system to write to, no capabilities; started again when it ends. */
export const hardened = {
  init: true,
  read_only: true,
  tmpfs: ['/tmp'],
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  restart: 'unless-stopped',
};

export const probe = (test: string[]) => ({ test, interval: '5s', timeout: '5s', retries: 3, start_period: '120s' });

export const whenHealthy = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, { condition: 'service_healthy' }]));
