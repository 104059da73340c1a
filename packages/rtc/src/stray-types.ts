/**
 * `sdp` without the attributes of payload types that their section does not have. Firefox writes `a=rtcp-fb` of VP9 and AV1 (121, 99) as
 * long as it has not found out that it has them, and Chromium then refuses the whole description ("Failed to parse codecs correctly");
 * RFC 4585 section 4.2: the type is one of the section's.
 */
export function withoutStrayTypes(sdp: string): string {
  const sections = sdp.split(/^(?=m=)/m).map((section) => {
    const types = section.split(/\r?\n/, 1)[0]?.split(' ') ?? [];
    return section.replace(/^a=(?:rtcp-fb|fmtp|rtpmap):(\d+) .*\r?\n/gm, (line, type: string) =>
      types.includes(type) ? line : '',
    );
  });
  return sections.join('');
}
