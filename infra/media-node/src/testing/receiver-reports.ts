/** What a receiver says of one track in RTCP (RFC 3550 section 6.4.2), here of a line that loses as much as a test wants. */

/** Of the receiver: any. */
const OWN_SSRC = 9;

export class ReceiverReports {
  /** Share of the packets that is reported as lost from now on. */
  loss = 0;
  #ssrc: number | undefined;
  #sequence = 0;
  #rounds = 0;
  #lost = 0;

  /** A packet of RTP came. */
  came(packet: Buffer): void {
    const [sequence, ssrc] = [packet.readUInt16BE(2), packet.readUInt32BE(8)];
    if (this.#ssrc === ssrc && sequence < this.#sequence - 0x8000) this.#rounds++;
    this.#ssrc = ssrc;
    this.#sequence = sequence;
    this.#lost += this.loss;
  }

  /** @returns undefined before the first packet */
  next(): Buffer | undefined {
    if (this.#ssrc === undefined) return undefined;
    const report = Buffer.alloc(32);
    // Version 2, one block; a receiver report of seven words beyond the first.
    report.writeUInt16BE(0x81c9, 0);
    report.writeUInt16BE(7, 2);
    report.writeUInt32BE(OWN_SSRC, 4);
    report.writeUInt32BE(this.#ssrc, 8);
    report.writeUInt8(Math.min(255, Math.round(this.loss * 256)), 12);
    report.writeUIntBE(Math.floor(this.#lost), 13, 3);
    report.writeUInt16BE(this.#rounds & 0xffff, 16);
    report.writeUInt16BE(this.#sequence, 18);
    return report;
  }

  /** A request for a keyframe (RFC 4585 section 6.3.1). @returns undefined before the first packet */
  pictureLoss(): Buffer | undefined {
    if (this.#ssrc === undefined) return undefined;
    const request = Buffer.alloc(12);
    request.writeUInt16BE(0x81ce, 0);
    request.writeUInt16BE(2, 2);
    request.writeUInt32BE(OWN_SSRC, 4);
    request.writeUInt32BE(this.#ssrc, 8);
    return request;
  }
}
