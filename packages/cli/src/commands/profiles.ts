import { TandemServer } from '@tandem/server';
import { type Command, text, UsageError } from '../command.ts';
import { profileNames, removeProfile, writeProfile } from '../profile.ts';

export const PROFILE_COMMANDS: Readonly<Record<string, Command>> = {
  'profile set': {
    summary: 'keep a connection; the API key is read from standard input',
    arguments: ['name'],
    options: { url: { type: 'string', value: 'URL', help: 'address of the deployment' } },
    async run({ args: { name = '' }, options, env, out, readInput }) {
      const url = text(options, 'url');
      if (!url) throw new UsageError('--url is missing');
      const apiKey = (await readInput()).trim();
      // Names what is wrong with either.
      new TandemServer({ url, apiKey });
      out.line(`kept in ${writeProfile(name, { url, apiKey }, env)}`);
      return 0;
    },
  },
  'profile list': {
    summary: 'names of the kept connections',
    async run({ env, out }) {
      out.table(
        profileNames(env).map((name) => ({ name })),
        ['name'],
      );
      return 0;
    },
  },
  'profile remove': {
    summary: 'forget a connection',
    arguments: ['name'],
    async run({ args: { name = '' }, env }) {
      if (!profileNames(env).includes(name)) throw new UsageError(`no profile ${name}`);
      removeProfile(name, env);
      return 0;
    },
  },
};
