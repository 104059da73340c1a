// Obtains the media engine: Janus 1.4 or later from Debian unstable, in a folder of its own, for `npm start`, the tests and the image.
// Needs Debian and apt, no root: apt works on its own state folder, verifies the archive's signature and each package's SHA-256, and
// the program runs by the loader of its own libc, so nothing of the machine changes. Plain JavaScript for Node 20, nothing installed.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Oldest version that is fit for rooms: ICE consent freshness and PLI dilution came with 1.4. */
const OLDEST = [1, 4];
/** The plugins and the transport that the media node uses; every other one is left out, with the libraries that only it needs. */
const PLUGINS = ['libjanus_videoroom.so', 'libjanus_streaming.so', 'libjanus_audiobridge.so'];
const TRANSPORTS = ['libjanus_websockets.so'];
/** What NSS (below libsrtp2) opens by name when it starts: no loader lists it. Each has a checksum file beside it. */
const NSS_MODULES = ['libsoftokn3.so', 'libfreebl3.so', 'libfreeblpriv3.so'];
/** Part of the digest: another way to unpack makes another folder. */
const RECIPE = 2;
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * What `engine.json` says of an engine.
 * @typedef {object} EngineDescription
 * @property {string} version version of the Debian package
 * @property {string} digest SHA-256 over the recipe and the names, versions and SHA-256 digests of all packages
 * @property {string} source how to get the source of this GPL-3 program
 * @property {{name: string, version: string, sha256: string}[]} packages
 */

/** Folder in which engines are kept, each in a folder named by its digest. */
export function engineCache(env = process.env) {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tandem/media-engine');
}

/** Folder of the newest engine in the cache, or undefined. */
export function cachedEngine(cache = engineCache()) {
  try {
    const folder = join(cache, readFileSync(join(cache, 'current'), 'utf8').trim());
    return existsSync(join(folder, 'engine.json')) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Get the engine unless it is in the cache.
 * @param {{cache?: string, renew?: boolean, say?: (line: string) => void}} [options] renew: look for a newer version although one is there
 * @returns {string} its folder
 * @throws Error that says what is missing
 */
export function obtainEngine({ cache = engineCache(), renew = false, say = () => {} } = {}) {
  const present = cachedEngine(cache);
  if (present && !renew) return present;
  if (process.platform !== 'linux' || spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status !== 0)
    throw new Error('the media engine is taken from Debian packages, and there is no apt on this machine');
  if (!existsSync(KEYRING)) throw new Error(`${KEYRING} is missing: apt cannot verify Debian's signature`);
  const work = mkdtempSync(join(tmpdir(), 'media-engine-'));
  try {
    const apt = ownApt(work, debianMirror());
    apt('apt-get', 'update', '-qq');
    const packages = closure(apt);
    const janus = packages.find((p) => p.name === 'janus');
    if (!janus || !isNewEnough(janus.version))
      throw new Error(
        `Debian unstable has janus ${janus?.version ?? '(none)'}, and ${OLDEST.join('.')} is the oldest that serves`,
      );
    const digest = createHash('sha256')
      .update(JSON.stringify([RECIPE, packages]))
      .digest('hex');
    const folder = join(cache, digest.slice(0, 16));
    if (!existsSync(join(folder, 'engine.json'))) {
      say(`Getting the media engine (janus ${janus.version}, ${packages.length} packages, about 50 MB)…`);
      apt('apt-get', 'install', '-y', '-qq', '--download-only', '--no-install-recommends', 'janus');
      mkdirSync(cache, { recursive: true });
      const built = join(cache, `.${digest.slice(0, 16)}.${process.pid}`);
      unpack(work, built);
      const description = { version: janus.version, digest, source: `apt-get source janus=${janus.version}`, packages };
      writeFileSync(join(built, 'engine.json'), `${JSON.stringify(description, null, 1)}\n`);
      try {
        renameSync(built, folder);
      } catch (error) {
        // Another process was faster: its folder has the same name because it has the same content.
        rmSync(built, { recursive: true, force: true });
        if (!existsSync(join(folder, 'engine.json'))) throw error;
      }
    }
    const pointer = join(cache, `.current.${process.pid}`);
    writeFileSync(pointer, basename(folder));
    renameSync(pointer, join(cache, 'current'));
    return folder;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @param {string} version of the Debian package, such as 1.4.1+ds-4 */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = (/^(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/** The machine's own mirror of Debian, from its apt configuration. */
function debianMirror() {
  const format = '$(REPO_URI)|$(ORIGIN)|$(COMPONENT)|$(RELEASE)';
  const targets = execFileSync('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'], {
    encoding: 'utf8',
  });
  const codename = /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  // Before the first `apt-get update` the origin is unknown: the release that carries the system's name is Debian's main archive.
  const isDebian = /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
  const rows = targets.split('\n').map((line) => line.split('|'));
  const found = rows.find(([, origin, component, release]) => {
    const known = origin ? origin === 'Debian' : isDebian;
    return known && component === 'main' && (release === codename || release === 'sid');
  });
  if (!found?.[0]) throw new Error('the apt configuration of this machine names no mirror of Debian');
  return found[0];
}

/** apt on a state of its own, in which no package is installed and only Debian unstable is known. */
function ownApt(work, mirror) {
  for (const dir of ['lists/partial', 'cache/archives/partial', 'parts'])
    mkdirSync(join(work, dir), { recursive: true });
  writeFileSync(join(work, 'status'), '');
  writeFileSync(join(work, 'sources.list'), `deb [signed-by=${KEYRING}] ${mirror} sid main\n`);
  const settings = {
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': join(work, 'parts'),
    'Dir::Etc::preferences': join(work, 'none'),
    'Dir::Etc::preferencesparts': join(work, 'parts'),
    'Dir::State': work,
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': join(work, 'cache'),
    'APT::Sandbox::User': '',
    'Acquire::Retries': '3',
    // Else the machine's own setting holds.
    ...(process.env.APT_CHECK_VALID_UNTIL ? { 'Acquire::Check-Valid-Until': process.env.APT_CHECK_VALID_UNTIL } : {}),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return (command, ...args) => {
    const done = spawnSync(command, [...options, ...args], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: 64 << 20,
    });
    if (done.status === 0) return done.stdout;
    const reason = `${done.stderr}${done.error ?? ''}`.trim().split('\n').slice(-3).join(' ');
    throw new Error(`${command} ${args[0]}: ${reason}`);
  };
}

/** janus and everything it needs, with the digests that apt holds the files to. */
function closure(apt) {
  const plan = apt('apt-get', 'install', '-s', '-qq', '--no-install-recommends', 'janus');
  const wanted = [...plan.matchAll(/^Inst (\S+) \((\S+) /gm)].map(([, name, version]) => `${name}=${version}`);
  const stanzas = apt('apt-cache', 'show', ...wanted).split(/\n\n+/);
  return stanzas
    .map((stanza) => ({
      name: /^Package: (.*)$/m.exec(stanza)?.[1] ?? '',
      version: /^Version: (.*)$/m.exec(stanza)?.[1] ?? '',
      sha256: /^SHA256: (.*)$/m.exec(stanza)?.[1] ?? '',
    }))
    .filter((p) => p.name)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Unpack all, keep the program, its plugins and exactly the libraries that its own loader resolves for them. */
function unpack(work, built) {
  const root = join(work, 'root');
  for (const file of readdirSync(join(work, 'cache/archives')).filter((name) => name.endsWith('.deb')))
    execFileSync('dpkg-deb', ['-x', join(work, 'cache/archives', file), root]);
  const triplet = readdirSync(join(root, 'usr/lib')).find((name) => /-linux-gnu/.test(name)) ?? '';
  const libraries = join(root, 'usr/lib', triplet);
  const loader = readdirSync(libraries).find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
  if (!loader) throw new Error('the packages of Debian unstable hold no loader (libc6)');
  for (const dir of ['lib', 'plugins', 'transports']) mkdirSync(join(built, dir), { recursive: true });
  const files = [join(root, 'usr/bin/janus')];
  for (const [folder, names] of [
    ['plugins', PLUGINS],
    ['transports', TRANSPORTS],
  ])
    for (const name of names) {
      const file = join(libraries, 'janus', folder, name);
      copyFileSync(realpathSync(file), join(built, folder, name));
      files.push(file);
    }
  copyFileSync(files[0], join(built, 'janus'));
  const modules = NSS_MODULES.flatMap((name) =>
    [libraries, join(libraries, 'nss')].map((folder) => join(folder, name)).filter((file) => existsSync(file)),
  );
  files.push(...modules);
  const list = (file) =>
    execFileSync(join(libraries, loader), ['--library-path', libraries, '--list', file], { encoding: 'utf8' });
  const needed = new Set([loader]);
  for (const file of files)
    for (const [, name, path] of list(file).matchAll(/^\s*(\S+) => (\S+)/gm)) {
      if (!path.startsWith(root)) throw new Error(`${name} is not in the packages of Debian unstable`);
      needed.add(basename(path));
    }
  for (const name of needed) copyFileSync(realpathSync(join(libraries, name)), join(built, 'lib', name));
  for (const file of modules)
    for (const one of [file, file.replace(/\.so$/, '.chk')])
      if (existsSync(one)) copyFileSync(realpathSync(one), join(built, 'lib', basename(one)));
  execFileSync('ln', ['-s', loader, join(built, 'lib/loader')]);
  cpSync(join(root, 'usr/share/doc/janus/copyright'), join(built, 'copyright'));
}
