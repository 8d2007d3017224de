/** Identifies files that are not captures, or captures in an unsupported format, and says what to do with them. */

interface ForeignFormat {
  /** The first bytes of the file, in hex. */
  magic: string;
  /** What the file is, and what to do with it. FILE is replaced by its path. */
  advice: string;
}

const COMPRESSED = 'decompress it first';
const CONVERT = 'convert it first: editcap -F nsecpcap FILE new.pcap';

const FOREIGN_FORMATS: readonly ForeignFormat[] = [
  { magic: '1f8b', advice: `the file is compressed with gzip; ${COMPRESSED}: gzip -dc FILE` },
  { magic: '28b52ffd', advice: `the file is compressed with Zstandard; ${COMPRESSED}: zstd -dc FILE` },
  { magic: 'fd377a585a00', advice: `the file is compressed with xz; ${COMPRESSED}: xz -dc FILE` },
  { magic: '425a68', advice: `the file is compressed with bzip2; ${COMPRESSED}: bzip2 -dc FILE` },
  { magic: '04224d18', advice: `the file is compressed with LZ4; ${COMPRESSED}: lz4 -dc FILE` },
  { magic: '504b0304', advice: `the file is a zip archive; unpack it first: unzip FILE` },
  { magic: 'a1b2cd34', advice: `the file is a "modified" pcap (Kuznetzov's, magic a1b2cd34); ${CONVERT}` },
  { magic: '34cdb2a1', advice: `the file is a "modified" pcap (Kuznetzov's, magic a1b2cd34); ${CONVERT}` },
  { magic: '1c0001ab', advice: `the file is an IXIA lcap capture (hardware time stamps); ${CONVERT}` },
  { magic: 'ab01001c', advice: `the file is an IXIA lcap capture (hardware time stamps); ${CONVERT}` },
  { magic: '1c0001ac', advice: `the file is an IXIA lcap capture (software time stamps); ${CONVERT}` },
  { magic: 'ac01001c', advice: `the file is an IXIA lcap capture (software time stamps); ${CONVERT}` },
  { magic: '736e6f6f70000000', advice: `the file is a Solaris snoop capture; ${CONVERT}` },
  { magic: '474d4255', advice: `the file is a Microsoft Network Monitor 2 capture; ${CONVERT}` },
  { magic: '52545353', advice: `the file is a Microsoft Network Monitor 1 capture; ${CONVERT}` },
];

const EXPECTED = 'expected a pcap or pcapng capture';

/** Describes FILE, which starts with the bytes START and is neither pcap nor pcapng, and says what to do about it. */
export function describeForeignFile(start: Uint8Array, file: string): string {
  const hex = Buffer.from(start).toString('hex');
  const format = FOREIGN_FORMATS.find(({ magic }) => hex.startsWith(magic));
  if (format !== undefined) return format.advice.replace('FILE', file);
  if (isText(start)) return `the file is text that starts with ${JSON.stringify(firstLine(start))}; ${EXPECTED}`;
  return `unknown file format (first bytes ${hex.slice(0, 8)}); ${EXPECTED}`;
}

function isText(start: Uint8Array): boolean {
  const isByteOrderMark = start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf;
  return start.subarray(isByteOrderMark ? 3 : 0, 64).every((byte) => byte >= 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

function firstLine(start: Uint8Array): string {
  const text = Buffer.from(start).toString('utf8').split('\n', 1)[0].trim();
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
