/** What the machine must have before anything can be installed. Plain JavaScript, as bootstrap.js is. */

const OLDEST_NODE = 20;
const PROCESSORS = ['x64', 'arm64'];

/** @param {string} version "v20.11.0" */
export function majorOf(version) {
  return Number(version.replace(/^v/, '').split('.')[0]);
}

/**
 * Why nothing here can run on such a machine, with what to do; undefined where it can.
 * @param {{ platform: string, arch: string, node: string, musl: boolean }} machine
 */
export function machineObstacle({ platform, arch, node, musl }) {
  const instead = 'Docker Compose runs it too: docs/deployment.md.';
  if (platform === 'win32')
    return `Windows alone cannot run this. Use WSL 2 (wsl --install) and Node in it. ${instead}`;
  if (platform !== 'linux' && platform !== 'darwin') return `This runs on Linux and macOS, not on ${platform}.`;
  if (musl) return `Temporal's library for workers needs glibc, and this system (Alpine?) has musl. ${instead}`;
  if (!PROCESSORS.includes(arch)) return `This runs on x64 and arm64 processors, not on ${arch}.`;
  if (majorOf(node) >= OLDEST_NODE) return undefined;
  return `Node ${node} is too old: Node ${OLDEST_NODE} or newer is needed. https://nodejs.org has it, nvm and fnm do too.`;
}

/** @type {readonly (readonly [RegExp, string])[]} */
const NPM_FAULTS = [
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED/,
    'The npm registry does not answer. The first start needs the network; `npm config get registry` tells the address, ' +
      'and behind a proxy HTTPS_PROXY must be set.',
  ],
  [/\bE40[134]\b/, 'The npm registry refuses a package: `npm config get registry` tells which registry that is.'],
  [/EACCES|EPERM|EROFS/, 'This user may not write into node_modules here, or into the cache of npm.'],
  [/ENOSPC/, 'The disk is full.'],
  [
    /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|CERT_/,
    'The certificate of the npm registry is not trusted: set NODE_EXTRA_CA_CERTS.',
  ],
];

/**
 * What to do about a failed installation, from what npm has written.
 * @param {string} output
 */
export function npmAdvice(output) {
  return NPM_FAULTS.find(([pattern]) => pattern.test(output))?.[1];
}
