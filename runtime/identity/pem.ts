const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n[A-Za-z0-9+/=\r\n]+-----END \1-----/g;

/**
 * The blocks of a PEM text with the given label (RFC 7468), each ended by a newline; text between blocks is a comment.
 * Throws if a block begins that does not end, which is what a file looks like while it is being written.
 */
function pemBlocks(text: string, label: string): readonly string[] {
  const begins = text.split('-----BEGIN ').length - 1;
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length !== begins) {
    throw new Error(`expected whole PEM blocks; came ${begins} that begin and ${blocks.length} that are whole`);
  }
  return blocks.filter(([, found]) => found === label).map(([block]) => `${block}\n`);
}

/** The certificates of a PEM text. */
export const pemCertificates = (text: string): readonly string[] => pemBlocks(text, 'CERTIFICATE');
