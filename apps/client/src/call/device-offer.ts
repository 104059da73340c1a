import type { LocalMediaState } from '../media/media-state.ts';

/** A device that was plugged in during a call, with all it brings: a headset is a microphone and a speaker. */
export interface DeviceOffer {
  readonly label: string;
  readonly devices: readonly Pick<MediaDeviceInfo, 'kind' | 'deviceId'>[];
}

type Known = Pick<LocalMediaState, 'devices' | 'audio' | 'video'>;

/** Copies of other entries, which follow the system's choice (Chromium). */
const ALIASES = new Set(['', 'default', 'communications']);

/**
 * What can be offered after the list of devices changed; undefined: nothing. A camera is offered while one is on; what is missing or
 * starts is taken without an offer.
 */
export function offerFor(before: Known, now: Known): DeviceOffer | undefined {
  // Without permission a list has no ids; with it every entry looks new.
  const known = new Set(before.devices.map(({ deviceId }) => deviceId));
  if (!before.devices.some(({ deviceId, label }) => !ALIASES.has(deviceId) && label !== '')) return undefined;
  const wanted = (kind: MediaDeviceKind) => (kind === 'videoinput' ? now.video : now.audio) === 'live';
  const added = now.devices.filter(
    ({ kind, deviceId, label }) => !ALIASES.has(deviceId) && label !== '' && !known.has(deviceId) && wanted(kind),
  );
  const first = added.find(({ kind }) => kind === 'audioinput') ?? added[0];
  if (!first) return undefined;
  const same = added.filter((one) => one === first || (one.groupId !== '' && one.groupId === first.groupId));
  // One of each kind: a headset may have two speakers.
  const devices = same.filter((one) => same.find(({ kind }) => kind === one.kind) === one);
  return { label: first.label, devices: devices.map(({ kind, deviceId }) => ({ kind, deviceId })) };
}

/** Is all of it still there? */
const isThere = ({ devices }: DeviceOffer, list: readonly MediaDeviceInfo[]): boolean =>
  devices.every(({ deviceId }) => list.some((one) => one.deviceId === deviceId));

/** What is offered after the list changed: the newest device, or the one before as long as it is there. */
export function nextOffer(offer: DeviceOffer | undefined, before: Known, now: Known): DeviceOffer | undefined {
  return offerFor(before, now) ?? (offer && isThere(offer, now.devices) ? offer : undefined);
}
