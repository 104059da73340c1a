/** Random bytes in hexadecimal. (crypto.randomUUID exists in secure contexts only.) */
export const randomHex = (bytes: number): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, '0')).join('');
