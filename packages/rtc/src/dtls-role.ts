/**
 * Who is client and who is server of a connection's DTLS association. A later exchange on the same association keeps the
 * roles (RFC 8842 section 5.3), but Firefox answers `a=setup:active` to every offer, also where it was passive; Chromium
 * then refuses the answer ("Failed to set SSL role") and the offer waits for ever.
 */
type Role = 'active' | 'passive';

const other = (role: Role): Role => (role === 'active' ? 'passive' : 'active');
const fingerprints = (sdp: string): string => [...new Set(sdp.match(/^a=fingerprint:.+$/gm))].join();

export class DtlsRole {
  /** Mine, as the first complete exchange settled it. */
  #mine: Role | undefined;
  /** The other side's certificates then: other ones mean a new association, with roles of its own. */
  #remote = '';

  /** An exchange is complete. @param by whose answer it is @param remote the other side's description in it */
  settle(answer: string, by: 'me' | 'peer', remote: string): void {
    const role = /^a=setup:(active|passive)/m.exec(answer)?.[1] as Role | undefined;
    if (!role) return;
    this.#mine = by === 'me' ? role : other(role);
    this.#remote = fingerprints(remote);
  }

  /** `answer` with the role that its side has, while the association goes on. @param remote the other side's new description */
  keep(answer: string, by: 'me' | 'peer', remote: string): string {
    if (!this.#mine || fingerprints(remote) !== this.#remote) return answer;
    const role = by === 'me' ? this.#mine : other(this.#mine);
    return answer.replace(/^a=setup:(?:active|passive)/gm, `a=setup:${role}`);
  }
}
