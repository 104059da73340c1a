/** What people in large rooms cost: their media leaves a media node, and that is nearly all of it. */
import { PART_SECONDS } from '../hls-packager/src/hls-times.ts';
import { assumption as a } from './assumption.ts';
import { egress, PRICES } from './costs.ts';
import { MEASURED } from './measured.ts';

export const MEDIA = {
  mbpsPerMediaNode: a(
    200,
    'Mbit/s out',
    'NODE_MBPS: 100 a core of c7gn.large’s two, at which the fleet is scaled; by mediaCpu they take a third of its processor',
  ),
  mbpsPerViewer: a(2.5, 'Mbit/s', 'assumption: an encoder at 720p; viewers receive what it sends'),
  mediaZoneHeadroom: a(1.5, '×', 'three zones of which one may fail'),
} as const;

/** c7gn.large. */
const CORES_OF_MEDIA_NODE = 2;
/** Fewest nodes of MediaFleet. */
const FEWEST = 2;

export interface LargeRooms {
  /** Mbit/s out of all media nodes. */
  readonly mbps: number;
  readonly nodes: number;
  /** $ a month. */
  readonly egress: number;
  readonly nodesCost: number;
  /** $ an hour that one person is in such a room. */
  readonly personHour: number;
}

/** @param people in rooms of media nodes at the same time @param hours of the month @throws RangeError naming the option */
export function largeRooms(people: number, hours: number): LargeRooms {
  if (!(Number.isInteger(people) && people >= 1 && people <= 10_000_000))
    throw new RangeError('--large-rooms: a whole number of people from 1 to 10,000,000');
  const mbps = people * MEASURED.mediaReceived.value;
  const nodes = Math.max(FEWEST, Math.ceil((mbps / MEDIA.mbpsPerMediaNode.value) * MEDIA.mediaZoneHeadroom.value));
  const out = egress((mbps / 8 / 1000) * 3600 * hours);
  const nodesCost = nodes * hours * (PRICES.mediaNode.value + PRICES.publicIp.value);
  return { mbps, nodes, egress: out, nodesCost, personHour: (out + nodesCost) / hours / people };
}

export interface Viewers {
  readonly mbps: number;
  readonly nodes: number;
  /** $ an hour of all of them. */
  readonly egress: number;
  readonly nodesCost: number;
  /** $ an hour of one viewer. */
  readonly viewerHour: number;
}

/** @param viewers of streams at once, none of them in a room @param hours of the month: egress is cheaper by the terabyte */
export function streamViewers(viewers: number, hours: number): Viewers {
  const mbps = viewers * MEDIA.mbpsPerViewer.value;
  const nodes = Math.max(FEWEST, Math.ceil((mbps / MEDIA.mbpsPerMediaNode.value) * MEDIA.mediaZoneHeadroom.value));
  const out = egress((mbps / 8 / 1000) * 3600 * hours) / hours;
  const nodesCost = nodes * (PRICES.mediaNode.value + PRICES.publicIp.value);
  return { mbps, nodes, egress: out, nodesCost, viewerHour: (out + nodesCost) / viewers };
}

/** Of HLS: one for the playlist, and as many for a part of a segment. */
const HLS_PLAYLISTS_PER_SECOND = 1 / PART_SECONDS;

export interface HlsViewers {
  /** $ an hour that one room is packaged: its share of a media node. */
  readonly roomHour: number;
  /** $ an hour of one viewer: traffic and requests of CloudFront and its web ACL, beyond what is free. */
  readonly viewerHour: number;
  /** Playlists a second that the media node is asked for. */
  readonly playlistsPerSecond: number;
}

/** @param viewers at once of one room, past what its media node takes */
export function hlsViewers(viewers: number): HlsViewers {
  const gigabytes = (MEASURED.hlsMbps.value / 8) * 3.6;
  const playlists = (HLS_PLAYLISTS_PER_SECOND * 3600) / 1e6;
  const requests = 2 * playlists * (PRICES.cloudFrontRequests.value + PRICES.cloudFrontFunction.value);
  const judged = playlists * PRICES.wafRequests.value;
  return {
    roomHour: (MEASURED.hlsPackager.value / CORES_OF_MEDIA_NODE) * PRICES.mediaNode.value,
    viewerHour: gigabytes * PRICES.cloudFrontGigabyte.value + requests + judged,
    playlistsPerSecond: viewers * HLS_PLAYLISTS_PER_SECOND,
  };
}

function hlsLines(sizes: readonly number[]): string[] {
  const { roomHour, viewerHour } = hlsViewers(1);
  const all = sizes.map(hlsViewers);
  return [
    `Past that limit viewers get HLS ([streams](streams.md)), with \`packagers\`: a room takes ${MEASURED.hlsPackager.value} cores of its node while anybody watches it so, ${(100 * roomHour).toFixed(1)} ¢ an hour, and a viewer costs`,
    `${(100 * viewerHour).toFixed(1)} ¢ an hour of CloudFront. Parts are asked of the node once for all; the playlist ${HLS_PLAYLISTS_PER_SECOND} times a second by each, with a token. A node answers about ${MEASURED.hlsPlaylists.value.toLocaleString('en-US')} of those a second, and one room is on one node, so it has about ${(MEASURED.hlsPlaylists.value / HLS_PLAYLISTS_PER_SECOND).toLocaleString('en-US')} viewers by HLS:`,
    '',
    `| viewers of one room by HLS | ${sizes.map((n) => n.toLocaleString('en-US')).join(' | ')} |`,
    `| --- | ${sizes.map(() => '---:').join(' | ')} |`,
    `| playlists a second | ${all.map((one) => one.playlistsPerSecond.toLocaleString('en-US')).join(' | ')} |`,
    `| all of them an hour | ${all.map((one, i) => `$${((sizes[i] ?? 0) * one.viewerHour + one.roomHour).toFixed(2)}`).join(' | ')} |`,
  ];
}

/** The section of docs/capacity.md. */
export function streamsSection(hours: number, sizes: readonly number[] = [10, 100, 1000, 10_000]): string {
  const all = sizes.map((viewers) => streamViewers(viewers, hours));
  const row = (name: string, of: (one: Viewers) => string) => `| ${name} | ${all.map(of).join(' | ')} |`;
  const gigabytes = (MEDIA.mbpsPerViewer.value / 8) * 3.6;
  return [
    '',
    '## Streams',
    '',
    `A viewer of a stream receives ${MEDIA.mbpsPerViewer.value} Mbit/s, ${gigabytes.toFixed(2)} GB an hour: at ${hours} hours a month`,
    '',
    `| viewers at once | ${sizes.map((n) => n.toLocaleString('en-US')).join(' | ')} |`,
    `| --- | ${sizes.map(() => '---:').join(' | ')} |`,
    row('Mbit/s out', (one) => Math.round(one.mbps).toLocaleString('en-US')),
    row('media nodes', (one) => String(one.nodes)),
    row('egress an hour', (one) => `$${one.egress.toFixed(2)}`),
    row('media nodes an hour', (one) => `$${one.nodesCost.toFixed(2)}`),
    row('a viewer and hour', (one) => `${(100 * one.viewerHour).toFixed(1)} ¢`),
    '',
    'All viewers of one room are on one node (decision 20), so one room ends at what an instance sends; more nodes are for more rooms.',
    '',
    ...hlsLines([100, 1000, MEASURED.hlsPlaylists.value / HLS_PLAYLISTS_PER_SECOND]),
  ].join('\n');
}

/** The section of docs/capacity.md. */
export function largeRoomsSection(hours: number, sizes: readonly number[] = [10, 100, 1000, 10_000]): string {
  const all = sizes.map((people) => largeRooms(people, hours));
  const row = (name: string, of: (one: LargeRooms) => string) => `| ${name} | ${all.map(of).join(' | ')} |`;
  const dollars = (value: number) => `$${Math.round(value).toLocaleString('en-US')}`;
  const received = MEASURED.mediaReceived.value;
  return [
    `Rooms of five and more go through media nodes. One person receives ${received} Mbit/s there, whatever the size of the room: the page asks for`,
    `the sizes of picture that it shows, within 2.2 Mbit/s for all of them. That is ${((received / 8) * 3.6).toFixed(2)} GB an hour.`,
    '',
    `| people in such rooms at once | ${sizes.map((n) => n.toLocaleString('en-US')).join(' | ')} |`,
    `| --- | ${sizes.map(() => '---:').join(' | ')} |`,
    row('Mbit/s out', (one) => Math.round(one.mbps).toLocaleString('en-US')),
    row('media nodes', (one) => String(one.nodes)),
    row('egress a month', (one) => dollars(one.egress)),
    row('media nodes a month', (one) => dollars(one.nodesCost)),
    row('a person and hour', (one) => `${(100 * one.personHour).toFixed(1)} ¢`),
  ].join('\n');
}
