/** Generic NACK (RFC 4585 section 6.2.1) for Opus in a session description: who receives may ask for a lost packet again. */

const SECTIONS = /^(?=m=)/m;
const isSound = (section: string) => section.startsWith('m=audio ');

/** Does it say so of any sound? */
export function repeatsSound(sdp: string): boolean {
  return sdp.split(SECTIONS).some((section) => isSound(section) && /^a=rtcp-fb:\S+ nack\s*$/m.test(section));
}

/** The description, saying so of each section with Opus. */
export function withSoundRepeats(sdp: string): string {
  return sdp
    .split(SECTIONS)
    .map((section) => {
      if (!isSound(section) || repeatsSound(section)) return section;
      return section.replace(
        /^a=rtpmap:(\d+) opus\/.*$/im,
        (line, type: string) => `${line}\r\na=rtcp-fb:${type} nack`,
      );
    })
    .join('');
}
