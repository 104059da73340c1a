/** The playlist and the files of a packager as viewers get them: what it wrote is believed only as far as it has the form that it must have. */
import { INIT } from '../../../hls-packager/src/shared-folder.ts';

/** Lines of a media playlist (RFC 8216) that viewers get; an intruder in the packager names no address to them. */
const LINES = [
  /^#EXTM3U$/,
  /^#EXT-X-(VERSION|TARGETDURATION|MEDIA-SEQUENCE):\d{1,10}$/,
  /^#EXT-X-(INDEPENDENT-SEGMENTS|DISCONTINUITY|ENDLIST)$/,
  /^#EXT-X-PROGRAM-DATE-TIME:[\dT:.+Z-]{1,40}$/,
  /^#EXTINF:\d{1,6}(\.\d{1,9})?,$/,
];

/** What it names is below the folder of this packager. Lines of another form are left out. */
export function viewersPlaylist(playlist: string, id: string): string {
  const lines = playlist.split('\n').flatMap((line) => {
    if (line === `#EXT-X-MAP:URI="${INIT}"`) return [`#EXT-X-MAP:URI="${id}/${INIT}"`];
    if (isSegment(line)) return [`${id}/${line}`];
    return LINES.some((form) => form.test(line)) ? [line] : [];
  });
  return `${lines.join('\n')}\n`;
}

const isSegment = (name: string): boolean => /^\d{1,10}\.m4s$/.test(name);

/** Names of the files that viewers get. */
export const isMediaFile = (name: string): boolean => name === INIT || isSegment(name);
