/** A large file in a bucket: whole, or not at all. */
import { createReadStream } from 'node:fs';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

/** Most parts that S3 takes. */
const MAX_PARTS = 10_000;

/** @param most bytes of a part; more when the file would be too many of them */
export async function putInParts(
  client: S3Client,
  at: { readonly Bucket: string; readonly Key: string },
  path: string,
  { size, most }: { readonly size: number; readonly most: number },
): Promise<void> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at));
  const partBytes = Math.max(most, Math.ceil(size / MAX_PARTS));
  try {
    const Parts: { ETag: string | undefined; PartNumber: number }[] = [];
    for (let start = 0; start < size; start += partBytes) {
      const end = Math.min(start + partBytes, size);
      const PartNumber = Parts.length + 1;
      const Body = createReadStream(path, { start, end: end - 1 });
      const part = new UploadPartCommand({ ...at, UploadId, PartNumber, Body, ContentLength: end - start });
      Parts.push({ ETag: (await client.send(part)).ETag, PartNumber });
    }
    await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
  } catch (error) {
    // What is left of it is billed; the bucket's lifecycle takes what this misses.
    await client.send(new AbortMultipartUploadCommand({ ...at, UploadId })).catch(() => {});
    throw error;
  }
}
