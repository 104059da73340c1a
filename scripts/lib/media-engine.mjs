// The media engine: Janus 1.4 or later, with libsrtp on OpenSSL where that can be built.
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { cached, cacheOf, obtain } from './debian-program.mjs';

const RECIPE = {
  title: 'the media engine',
  kind: 'media-engine',
  name: 'janus',
  // ICE consent freshness and PLI dilution came with 1.4.
  oldest: [1, 4],
  programs: ['janus'],
  // What the media node uses; every other one is left out, with the libraries that only it needs.
  modules: {
    plugins: ['libjanus_videoroom.so', 'libjanus_streaming.so', 'libjanus_audiobridge.so'],
    transports: ['libjanus_websockets.so'],
  },
  // What NSS (below Debian's libsrtp2) opens when it starts.
  libraries: ['libsoftokn3.so', 'libfreebl3.so', 'libfreeblpriv3.so'],
  openedBy: 'libnss3.so',
};

/** Folder in which engines are kept, each in a folder named by its digest. */
export const engineCache = (env = process.env) => cacheOf(RECIPE.kind, env);

/** Folder of the newest engine in the cache, or undefined. */
export const cachedEngine = (cache = engineCache()) => cached(cache);

/**
 * Get the engine unless it is in the cache.
 * @param {{cache?: string, renew?: boolean, srtpSource?: string, say?: (line: string) => void}} [options] renew: look for a newer version
 *   although one is there; srtpSource: folder with the source of libsrtp 2, for a mirror without sources (default: Debian's source package)
 * @returns {string} its folder
 * @throws Error that says what is missing
 */
export const obtainEngine = ({ srtpSource, ...options } = {}) =>
  obtain({ ...RECIPE, rebuild: (unpacked) => srtpOnOpenSsl(unpacked, srtpSource) }, options);

/** What a compiler for one library needs. */
const TOOLS = ['cc', 'dpkg-source'];

/**
 * Debian links libsrtp2 with NSS, which makes a session and expands the key again for each packet: that is a fifth of what a media node's
 * processor does. The same source on OpenSSL, which Janus has loaded anyway, does it once a connection (`npm run bench -- media`).
 * Without a compiler or Debian's source, Debian's library stays. libsrtp tests its ciphers with known answers each time it starts.
 * @param {import('./debian-program.mjs').Unpacked} unpacked
 * @param {string | undefined} folder source; default: Debian's
 * @throws Error when it cannot be built of that folder
 */
function srtpOnOpenSsl({ apt, work, root, libraries, packages, say }, folder) {
  const debian = packages.find(({ name }) => name === 'libsrtp2-1');
  // `+b1`: built again from the same source.
  const version = debian?.version.replace(/\+b\d+$/, '') ?? '';
  try {
    const missing = TOOLS.filter((tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status !== 0);
    if (missing.length > 0) throw new Error(`${missing.join(' and ')} missing: apt-get install build-essential`);
    const source = folder === undefined ? debianSource(apt, work, version) : resolve(folder);
    apt('apt-get', 'download', '-qq', 'libssl-dev');
    const headers = readdirSync(work).find((name) => /^libssl-dev_.*\.deb$/.test(name)) ?? '';
    execFileSync('dpkg-deb', ['-x', join(work, headers), root]);
    replaceSrtp({ work, root, libraries }, source);
    return `libsrtp2 ${folder ? `from ${folder}` : version} on OpenSSL in place of NSS`;
  } catch (error) {
    const reason = String(error instanceof Error ? error.message : error).split('\n')[0];
    if (folder !== undefined) throw new Error(`--srtp-source ${folder}: ${reason}`, { cause: error });
    say(`Its SRTP is Debian's, on NSS: it takes a quarter more of a processor than on OpenSSL (${reason})`);
    return undefined;
  }
}

/** Get Debian's source package, verified by apt, with Debian's patches applied. */
function debianSource(apt, work, version) {
  const list = join(work, 'sources.list');
  appendFileSync(list, readFileSync(list, 'utf8').replace(/^deb /, 'deb-src '));
  apt('apt-get', 'update', '-qq');
  try {
    apt('apt-get', 'source', '-qq', `libsrtp2=${version}`);
  } catch (error) {
    throw new Error(`the mirror of Debian gives no source of libsrtp2 ${version}: --srtp-source FOLDER names one`, {
      cause: error,
    });
  }
  const found = readdirSync(work, { withFileTypes: true }).find(
    (e) => e.isDirectory() && e.name.startsWith('libsrtp2-'),
  );
  if (!found) throw new Error('the source package holds no folder');
  return join(work, found.name);
}

/** What `configure --enable-openssl` finds on a 64-bit Linux. */
const CONFIG = `
#define PACKAGE_VERSION "2"
#define PACKAGE_STRING "libsrtp2"
#define OPENSSL 1
#define GCM 1
#define SIZEOF_UNSIGNED_LONG 8
${'UINT8_T UINT16_T UINT32_T UINT64_T INT32_T INET_ATON INET_PTON SIGACTION ARPA_INET_H BYTESWAP_H INTTYPES_H NETINET_IN_H STDINT_H STDLIB_H SYS_SOCKET_H SYS_TYPES_H UNISTD_H'.replace(/(\w+) ?/g, '#define HAVE_$1 1\n')}`;

/** Ciphers on other libraries, and libsrtp's own. */
const OTHER_CIPHERS = /_(nss|mbedtls|wssl)\.c$|^(aes|aes_icm|sha1|hmac)\.c$/;

/** Compile it, and put it in the place of Debian's if it passes its own tests and Janus starts with it. */
function replaceSrtp({ work, root, libraries }, source) {
  const include = join(root, 'usr/include');
  const multiarch = join(include, basename(libraries));
  const crypto = join(libraries, 'libcrypto.so.3');
  const built = join(work, 'libsrtp2.so.1');
  const check = join(work, 'check-srtp');
  writeFileSync(join(work, 'config.h'), CONFIG);
  const parts = ['srtp', 'crypto/cipher', 'crypto/hash', 'crypto/kernel', 'crypto/math', 'crypto/replay'];
  const files = parts.flatMap((part) =>
    readdirSync(join(source, part))
      .filter((name) => name.endsWith('.c') && !OTHER_CIPHERS.test(name))
      .map((name) => join(source, part, name)),
  );
  const places = [work, join(source, 'include'), join(source, 'crypto/include'), include, multiarch];
  const hardened = ['-O2', '-fPIC', '-fstack-protector-strong', '-D_FORTIFY_SOURCE=2', '-Wl,-z,relro,-z,now'];
  // OpenSSL asks for symbols of its own, newer libc.
  const link = [crypto, '-Wl,--allow-shlib-undefined'];
  const cc = (...args) => execFileSync('cc', args, { cwd: work, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const flags = ['-DHAVE_CONFIG_H', ...places.map((place) => `-I${place}`)];
  cc(...hardened, ...flags, '-shared', '-Wl,-soname,libsrtp2.so.1', '-o', built, ...files, ...link);
  writeFileSync(join(work, 'check-srtp.c'), 'int srtp_init(void);\nint main(void) { return srtp_init(); }\n');
  cc('-o', check, 'check-srtp.c', built, ...link);
  const loader = readdirSync(libraries).find((name) => /^ld-linux.*\.so\.\d+$/.test(name)) ?? '';
  const run = (...command) =>
    execFileSync(join(libraries, loader), ['--library-path', `${work}:${libraries}`, ...command], {
      env: { LD_BIND_NOW: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  // Its start tests each cipher with known answers.
  run(check);
  run(join(root, 'usr/bin/janus'), '--version');
  copyFileSync(built, realpathSync(join(libraries, 'libsrtp2.so.1')));
}
