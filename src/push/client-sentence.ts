import { NightdropError } from '../lib/errors.ts';

/**
 * Sentences for errors that are not marked for clients: theirs may name blobs, whose IDs tell of content, and paths of the
 * server. The log has them.
 */
const SENTENCES: Record<string, string> = {
  ERR_BASIS_DAMAGED: "stored content that this push needs cannot be read; the server's log says which",
  ERR_REPOSITORY_DAMAGED: "stored content that this push needs cannot be read; the server's log says which",
  ERR_REPOSITORY_LOCKED: "the vault's repository is locked by another program; the server's log says by which",
  ERR_STATE_DAMAGED: "the server's records of this vault cannot be read; its log says why",
  ERR_STATE_IO: "the server's records of this vault cannot be used; its log says why",
  ERR_VAULT_BUSY: 'the vault is in use by another push or command; try again when that has ended',
};

/** What a client is told of an error: only sentences of our own, made for it. */
export function clientSentence(error: unknown): string {
  const sentence = sentenceOf(error);
  return sentence.startsWith('ERROR') || sentence.startsWith('rsync:') ? sentence : `ERROR: ${sentence}`;
}

function sentenceOf(error: unknown): string {
  const failed = 'the server failed; its log says why';
  if (!(error instanceof NightdropError)) return failed;
  if (error.forClient) return error.message;
  return Object.hasOwn(SENTENCES, error.code) ? SENTENCES[error.code] : failed;
}
