/**
 * Recorded cases of one profile in one file, compressed: a line of JSON that lists the cases and the lengths of their
 * files, and then the contents of these files.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

/** A case as the live test keeps it on disk: host.json, rules.v4, in/IFACE.pcap, and want/ as the kernel left it. */
export interface RecordedCase {
  /** `npm run test:kernel -- --profile PROFILE --case SEED` plays one with this seed at its full length. */
  seed: number;
  /** Contents by path. */
  files: Map<string, Uint8Array>;
}

interface Entry {
  seed: number;
  files: [path: string, lengthBytes: number][];
}

export const ARCHIVE_SUFFIX = '.cases.gz';
const NEWLINE = 10;

/** What of a case folder is kept. Inputs keep their order, which decides between packets of the same time. */
export function readCaseFolder(dir: string, seed: number, ifaces: readonly string[]): RecordedCase {
  const outputs = readdirSync(join(dir, 'want')).filter((name) => /\.(pcap|v4|txt)$/.test(name));
  const paths = [
    'host.json',
    'rules.v4',
    ...ifaces.map((iface) => `in/${iface}.pcap`),
    ...outputs.sort().map((name) => `want/${name}`),
  ];
  return { seed, files: new Map(paths.map((path) => [path, readFileSync(join(dir, path))])) };
}

/** Writes RECORDED into DIR; returns what was put in, by interface. */
export function writeCaseFolder({ files }: RecordedCase, dir: string): { iface: string; path: string }[] {
  const inputs: { iface: string; path: string }[] = [];
  for (const [name, bytes] of files) {
    const path = join(dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    if (name.startsWith('in/')) inputs.push({ iface: basename(name, '.pcap'), path });
  }
  return inputs;
}

export function packCases(cases: readonly RecordedCase[]): Uint8Array {
  const entries = cases.map(
    ({ seed, files }): Entry => ({ seed, files: [...files].map(([path, bytes]) => [path, bytes.length]) }),
  );
  const contents = cases.flatMap(({ files }) => [...files.values()]);
  return gzipSync(Buffer.concat([Buffer.from(`${JSON.stringify(entries)}\n`), ...contents]), { level: 9 });
}

export function unpackCases(archive: Uint8Array): RecordedCase[] {
  const bytes = gunzipSync(archive);
  let at = bytes.indexOf(NEWLINE) + 1;
  const entries = JSON.parse(bytes.toString('utf8', 0, at)) as Entry[];
  const take = (length: number): Uint8Array => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const cases = entries.map(({ seed, files }) => ({
    seed,
    files: new Map(files.map(([path, length]) => [path, take(length)])),
  }));
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes behind the last case`);
  return cases;
}
