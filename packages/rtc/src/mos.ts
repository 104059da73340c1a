/**
 * Speech quality by the E-model, ITU-T G.107 (06/2015), as a mean opinion score of listening quality.
 *
 * R = (Ro - Is) - Id - Ie,eff + A, with
 * - Ro - Is = 93.2: the default of all other parameters (G.107 table 2: R = 93.2),
 * - Id = 0.024 d + 0.11 (d - 177.3) for d > 177.3 ms: the delay impairment of G.107 section 7.4 without echo, in the linear
 *   form of Cole and Rosenbluth, "Voice over IP Performance Monitoring" (2001), equation 7,
 * - Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl), G.107 equation 7-29, with random loss (BurstR = 1). G.113 has no
 *   entry for Opus: Ie = 0 and Bpl = 25.1, those of G.711 with concealment (G.113 Appendix I), which Opus with in-band
 *   error correction at least reaches,
 * - A = 0,
 * and MOS = 1 + 0.035 R + R (R - 60) (100 - R) 7e-6, G.107 Annex B.
 */

const R_DEFAULT = 93.2;
const IE = 0;
const BPL = 25.1;

/**
 * Transmission rating of the E-model for a loss and a delay.
 *
 * @param loss share of packets lost after concealment had no chance, 0 to 1
 * @param delay mouth to ear, one way, ms
 * @returns the transmission rating R, 0 to 93.2
 */
export function rFactor(loss: number, delay: number): number {
  const ppl = Math.min(1, Math.max(0, loss)) * 100;
  const d = Math.max(0, delay);
  const id = 0.024 * d + (d > 177.3 ? 0.11 * (d - 177.3) : 0);
  const ieEff = IE + ((95 - IE) * ppl) / (ppl + BPL);
  return Math.max(0, R_DEFAULT - id - ieEff);
}

/** 1 (bad) to 4.5; the default connection reaches 4.41. */
export function mosFromR(r: number): number {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  // The cubic dips below 1 for small R; the scale does not.
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

/** MOS of speech heard with this loss (0 to 1) and one-way delay (ms). */
export function mos(loss: number, delay: number): number {
  return mosFromR(rFactor(loss, delay));
}
