// Obtains a program of Debian unstable (the media engine, the relay) in a folder of its own, for `npm start`, the tests and the images.
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

/** Part of the digest: another way to unpack makes another folder. */
const RECIPE = 3;
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * @typedef {object} Recipe
 * @property {string} title what people call it, such as "the media engine"
 * @property {string} kind folder of the cache
 * @property {string} name Debian package
 * @property {readonly number[]} oldest major, minor and patch version that serves
 * @property {readonly string[]} programs names in /usr/bin
 * @property {Readonly<Record<string, readonly string[]>>} modules shared objects that it opens by name, by folder below its library folder
 * @property {readonly string[]} libraries what its libraries open by name, taken if their own library `openedBy` is needed: no loader lists it
 * @property {string} [openedBy] library that opens them
 * @property {(unpacked: Unpacked) => string | undefined} [rebuild] replaces a library by one that is built here; says what it is, or undefined
 */

/**
 * The packages unpacked, before the program's files are taken from them.
 * @typedef {object} Unpacked
 * @property {(command: string, ...args: string[]) => string} apt runs in `work` and throws
 * @property {string} work folder that is removed afterwards
 * @property {string} root of the unpacked packages
 * @property {string} libraries folder of the libraries below root
 * @property {{name: string, version: string, sha256: string}[]} packages
 * @property {(line: string) => void} say
 */

/**
 * What `engine.json` says of a program.
 * @typedef {object} Description
 * @property {string} version version of the Debian package
 * @property {string} digest SHA-256 over the recipe and the names, versions and SHA-256 digests of all packages
 * @property {string} source how to get its source
 * @property {string} [rebuilt] the library that was built here, and how
 * @property {{name: string, version: string, sha256: string}[]} packages
 */

/** Folder in which programs of a kind are kept, each in a folder named by its digest. @param {string} kind */
export function cacheOf(kind, env = process.env) {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tandem', kind);
}

/** Folder of the newest one in the cache, or undefined. @param {string} cache */
export function cached(cache) {
  try {
    const folder = join(cache, readFileSync(join(cache, 'current'), 'utf8').trim());
    return existsSync(join(folder, 'engine.json')) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Get a program unless it is in the cache.
 * @param {Recipe} recipe
 * @param {{cache?: string, renew?: boolean, say?: (line: string) => void}} [options] renew: look for a newer version although one is there
 * @returns {string} its folder
 * @throws Error that says what is missing
 */
export function obtain(recipe, { cache = cacheOf(recipe.kind), renew = false, say = () => {} } = {}) {
  const present = cached(cache);
  if (present && !renew) return present;
  if (process.platform !== 'linux' || spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status !== 0)
    throw new Error(`${recipe.title} is taken from Debian packages, and there is no apt on this machine`);
  if (!existsSync(KEYRING)) throw new Error(`${KEYRING} is missing: apt cannot verify Debian's signature`);
  const work = mkdtempSync(join(tmpdir(), `${recipe.kind}-`));
  try {
    const apt = ownApt(work, debianMirror());
    apt('apt-get', 'update', '-qq');
    const packages = closure(apt, recipe.name);
    const found = packages.find((p) => p.name === recipe.name);
    if (!found || !isNewEnough(found.version, recipe.oldest))
      throw new Error(
        `Debian unstable has ${recipe.name} ${found?.version ?? '(none)'}, and ${recipe.oldest.join('.')} is the oldest that serves`,
      );
    say(`Getting ${recipe.title} (${recipe.name} ${found.version}, ${packages.length} packages, about 50 MB)…`);
    apt('apt-get', 'install', '-y', '-qq', '--download-only', '--no-install-recommends', recipe.name);
    const { root, libraries } = unpack(work);
    const rebuilt = recipe.rebuild?.({ apt, work, root, libraries, packages, say });
    const digest = createHash('sha256')
      .update(JSON.stringify([RECIPE, packages, rebuilt ?? '']))
      .digest('hex');
    const folder = join(cache, digest.slice(0, 16));
    if (!existsSync(join(folder, 'engine.json'))) {
      const built = join(cache, `.${digest.slice(0, 16)}.${process.pid}`);
      keep({ root, libraries }, built, recipe);
      const source = `apt-get source ${recipe.name}=${found.version}`;
      const description = { version: found.version, digest, source, ...(rebuilt ? { rebuilt } : {}), packages };
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

/**
 * @param {string} version of the Debian package, such as 1.4.1+ds-4
 * @param {readonly number[]} oldest
 */
export function isNewEnough(version, oldest) {
  const parts = (/^(\d+)\.(\d+)(?:\.(\d+))?/.exec(version) ?? []).slice(1).map((part) => Number(part ?? 0));
  const differs = oldest.findIndex((part, i) => part !== (parts[i] ?? 0));
  return differs < 0 || (parts[differs] ?? 0) > (oldest[differs] ?? 0);
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
      cwd: work,
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: 64 << 20,
    });
    if (done.status === 0) return done.stdout;
    const reason = `${done.stderr}${done.error ?? ''}`.trim().split('\n').slice(-3).join(' ');
    throw new Error(`${command} ${args[0]}: ${reason}`);
  };
}

/** The package and everything it needs, with the digests that apt holds the files to. */
function closure(apt, name) {
  const plan = apt('apt-get', 'install', '-s', '-qq', '--no-install-recommends', name);
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

/** Unpack all packages that apt downloaded. */
function unpack(work) {
  const root = join(work, 'root');
  for (const file of readdirSync(join(work, 'cache/archives')).filter((name) => name.endsWith('.deb')))
    execFileSync('dpkg-deb', ['-x', join(work, 'cache/archives', file), root]);
  const triplet = readdirSync(join(root, 'usr/lib')).find((name) => /-linux-gnu/.test(name)) ?? '';
  return { root, libraries: join(root, 'usr/lib', triplet) };
}

/** Keep the programs, their modules and exactly the libraries that their own loader resolves for them. */
function keep({ root, libraries }, built, recipe) {
  const { name: packageName, programs, modules: wanted, libraries: opened, openedBy } = recipe;
  const loader = readdirSync(libraries).find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
  if (!loader) throw new Error('the packages of Debian unstable hold no loader (libc6)');
  for (const dir of ['lib', ...Object.keys(wanted)]) mkdirSync(join(built, dir), { recursive: true });
  const files = programs.map((name) => join(root, 'usr/bin', name));
  for (const file of files) copyFileSync(file, join(built, basename(file)));
  for (const [folder, names] of Object.entries(wanted))
    for (const name of names) {
      const file = join(libraries, packageName, folder, name);
      copyFileSync(realpathSync(file), join(built, folder, name));
      files.push(file);
    }
  const needed = new Set([loader]);
  const need = (all) => {
    for (const file of all)
      for (const [, name, path] of list(file).matchAll(/^\s*(\S+) => (\S+)/gm)) {
        if (!path.startsWith(root)) throw new Error(`${name} is not in the packages of Debian unstable`);
        needed.add(basename(path));
      }
  };
  const list = (file) =>
    execFileSync(join(libraries, loader), ['--library-path', libraries, '--list', file], { encoding: 'utf8' });
  need(files);
  const folders = [libraries, join(libraries, 'nss')];
  const modules = openedBy && needed.has(openedBy) ? opened.flatMap((name) => folders.map((f) => join(f, name))) : [];
  const present = modules.filter((file) => existsSync(file));
  need(present);
  for (const name of needed) copyFileSync(realpathSync(join(libraries, name)), join(built, 'lib', name));
  // Each has a file with its checksum beside it.
  for (const file of present)
    for (const one of [file, file.replace(/\.so$/, '.chk')])
      if (existsSync(one)) copyFileSync(realpathSync(one), join(built, 'lib', basename(one)));
  execFileSync('ln', ['-s', loader, join(built, 'lib/loader')]);
  cpSync(join(root, 'usr/share/doc', packageName, 'copyright'), join(built, 'copyright'));
}
