/** Why camera or microphone did not start, in terms a person can act on. */
export type MediaProblem = 'browser' | 'dismissed' | 'system' | 'none' | 'busy' | 'insecure' | 'unknown';

/**
 * Tell the reasons apart. Chromium says "Permission denied by system" and "Permission dismissed"; Firefox and Safari give the
 * name only, so a refusal while the browser's own permission reads "granted" counts as the system's.
 *
 * @param permission what the Permissions API says of the device, when it knows
 */
export function classifyMediaError(error: unknown, permission?: PermissionState): MediaProblem {
  const { name = '', message = '' } = (error ?? {}) as { name?: string; message?: string };
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      if (/system/i.test(message) || permission === 'granted') return 'system';
      if (/dismissed/i.test(message) || permission === 'prompt') return 'dismissed';
      return 'browser';
    case 'NotFoundError':
    case 'DevicesNotFoundError':
      return 'none';
    case 'NotReadableError':
    case 'AbortError':
    case 'TrackStartError':
      return 'busy';
    case 'TypeError':
      return globalThis.isSecureContext === false ? 'insecure' : 'unknown';
    default:
      return 'unknown';
  }
}

/** The browser's own word, where it has the API. Firefox knows no "camera" here and throws. */
export async function permissionOf(kind: 'audio' | 'video'): Promise<PermissionState | undefined> {
  const name = kind === 'audio' ? 'microphone' : 'camera';
  try {
    return (await navigator.permissions.query({ name: name as PermissionName })).state;
  } catch {
    return undefined;
  }
}
