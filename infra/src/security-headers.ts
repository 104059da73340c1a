/** Headers of the pages when the client's build brings none; a build's security-headers.json wins. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  // blob: and mediastream: for <video>; 'self' covers wss: of the same origin. No inline script: a build adds its hashes.
  'content-security-policy':
    "default-src 'self'; connect-src 'self'; img-src 'self' data: blob:; media-src 'self' blob: mediastream:; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};
