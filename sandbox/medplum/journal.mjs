/** Append-only persistence: one JSON line per stored version, written before the answer is sent. */
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';

/**
 * One `writeSync` per commit: the kernel has the bytes before the client has its answer, so SIGKILL loses nothing.
 * It is not synced to disk: a power cut may lose the tail, as the sandbox promises only to survive its own death.
 */
export class Journal {
  /** @param {string | undefined} file path of the journal; nothing is kept without one */
  constructor(file) {
    this.file = file;
    this.fd = undefined;
  }

  /** @returns {object[][]} the commits of earlier runs, oldest first; a torn last line is cut off. */
  open() {
    if (!this.file) {
      return [];
    }
    const bytes = existsSync(this.file) ? readFileSync(this.file) : Buffer.alloc(0);
    const end = bytes.lastIndexOf(10) + 1;
    if (end < bytes.length) {
      truncateSync(this.file, end);
    }
    this.fd = openSync(this.file, 'a');
    return lines(bytes.subarray(0, end)).map((line) => JSON.parse(line));
  }

  /** @param {string[]} operations JSON texts that become durable together */
  append(operations) {
    if (this.fd !== undefined && operations.length > 0) {
      writeFully(this.fd, `[${operations.join(',')}]\n`);
    }
  }

  /** Forgets everything. */
  clear() {
    if (this.fd !== undefined) {
      ftruncateSync(this.fd, 0);
    }
  }

  close() {
    if (this.fd !== undefined) {
      closeSync(this.fd);
    }
  }
}

/** Splits without one big string, because a journal may be longer than a JavaScript string can be. */
function lines(bytes) {
  const result = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start);
    result.push(bytes.toString('utf8', start, end));
    start = end + 1;
  }
  return result;
}

function writeFully(fd, text) {
  const bytes = Buffer.from(text, 'utf8');
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done);
  }
}
