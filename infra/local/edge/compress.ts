/** Compresses the page's files, as CloudFront does: a phone gets a third of the bytes, and what is measured here is what its users get. */
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import type { FastifyInstance } from 'fastify';

/** Pictures, fonts and sounds are compressed already. */
const TEXT = /^(text\/|image\/svg|application\/(javascript|json|manifest\+json|wasm|xml))/;
/** Smaller files would not get smaller, bytes. The limit of CloudFront. */
const LEAST = 1000;

const ENCODERS = {
  // Quality 11, the default, takes seconds for a file of the page.
  br: () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: () => zlib.createGzip(),
};
type Encoding = keyof typeof ENCODERS;

/** The first of ours that `accepted` (Accept-Encoding) has, unless with the weight 0. */
export function encodingFor(accepted: string | undefined): Encoding | undefined {
  const taken = new Map(
    (accepted ?? '').split(',').map((one) => {
      const [name = '', weight = ''] = one.toLowerCase().split(';');
      return [name.trim(), !/^\s*q=0(\.0*)?\s*$/.test(weight)];
    }),
  );
  return (Object.keys(ENCODERS) as Encoding[]).find((name) => taken.get(name));
}

/** For all routes of `pages`, and none beside it: what services answer passes as it is, as their secrets could be guessed by size (BREACH). */
export function compressPages(pages: FastifyInstance): void {
  pages.addHook('onSend', async (request, reply, payload) => {
    if (!TEXT.test(String(reply.getHeader('content-type') ?? ''))) return payload;
    reply.header('vary', 'accept-encoding');
    const encoding = encodingFor(request.headers['accept-encoding']);
    const { statusCode } = reply;
    // Ranges are of the file as it is.
    if (!encoding || !(payload instanceof Readable) || statusCode === 206) return payload;
    if (Number(reply.getHeader('content-length') ?? LEAST) < LEAST) return payload;
    reply.removeHeader('content-length').removeHeader('accept-ranges').header('content-encoding', encoding);
    const encoder = ENCODERS[encoding]();
    payload.on('error', (error) => encoder.destroy(error));
    encoder.on('close', () => payload.destroy());
    return payload.pipe(encoder);
  });
}
