/** @tandem/rtc/encryption: end-to-end encryption of a call. Beside the SDK, so that only calls that use it load it. */
export { Encryption, type EncryptionEvents, type EncryptionOptions, type PeerTrust } from './call-encryption.ts';
export { newSecret } from './room-keys.ts';
