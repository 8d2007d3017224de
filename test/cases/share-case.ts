/** Shares a recorded case, and looks in other ways than share itself for what is wrong with it. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAddress } from '../../codecs/address.js';
import { ETHERNET_LENGTH } from '../../codecs/layouts.js';
import { Linktype } from '../../codecs/linktypes.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { checkCase } from '../../replay/check-case.js';
import { NotFollowedError } from '../../replay/errors.js';
import { readCase } from '../../replay/golden-case.js';
import { shareCase } from '../../replay/share/share-case.js';
import { queueVerdictOf } from '../kernel/queue-verdict.js';
import { type RecordedCase, writeCaseFolder } from '../recorded/case-archive.js';

/** What decides by a hash, or by a byte or two anywhere: share refuses it if no other addresses decide alike. */
const CHANCES = [
  /HMARK|-m cluster/,
  /--to-(?:source|destination) \d+(?:\.\d+){3}-/,
  /--string "?[^"]{1,2}"? |--hex-string "?\|[\da-f]{2,4}\|/,
];

/**
 * Shares RECORDED, without rules that decide by chance, in the folder DIR, with the secret SEED. Returns what is
 * wrong with what comes out.
 */
export function faultsOfSharing(recorded: RecordedCase, dir: string, seed: string): string[] {
  const given = join(dir, 'given');
  const shared = join(dir, 'shared');
  writeCaseFolder(recorded, given);
  const nfqueue = queueVerdictOf(recorded.seed);
  if (nfqueue !== undefined)
    writeFileSync(join(given, 'case.json'), JSON.stringify({ options: ['--nfqueue', nfqueue] }));
  if (withoutChances(join(given, 'rules.v4'))) rmSync(join(given, 'want'), { recursive: true });
  const original = readCase(given);
  try {
    const { again } = shareCase(original, shared, { seed });
    return [...differences(given, shared), ...leaks(given, shared, again)];
  } catch (error) {
    // Several next hops are chosen by a hash, too, and programs may look at checksums.
    const isChance = error instanceof NotFollowedError && /next hops|-m (?:bpf|u32)/.test(error.message);
    return isChance ? [] : [(error as Error).message];
  }
}

/** Whether the rules at PATH had some that decide by chance, which are gone now. */
function withoutChances(path: string): boolean {
  const lines = readFileSync(path, 'latin1').split('\n');
  const kept = lines.filter((line) => !CHANCES.some((one) => one.test(line)));
  writeFileSync(path, kept.join('\n'), 'latin1');
  return kept.length < lines.length;
}

/** The shared case agrees with what it expects as far as the original does. */
function differences(given: string, shared: string): string[] {
  if (!readdirSync(given).includes('want')) return [];
  const [before, after] = [given, shared].map((dir) => checkCase(readCase(dir)).differences.length);
  return before === after ? [] : [`${before} differences from want/, now ${after}`];
}

const QUAD = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])/g;
const ADDRESS = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]|\/(?!32)\d)/g;
/** Loopback, link-local, multicast and the like, and what is no address but a mask. */
const FIXED = /^(?:0|127|169\.254|22[4-9]|2[345]\d)\./;

/** Addresses of the host and the rules of GIVEN, but for those AGAIN, that are still in SHARED, as text or as bytes. */
function leaks(given: string, shared: string, again: readonly string[]): string[] {
  const texts = ['host.json', 'rules.v4'].map((name) => readFileSync(join(given, name), 'latin1'));
  const hosts = texts.flatMap((text) =>
    [...text.matchAll(/(?:"local": "|\/32|--to-\w+ )[^\n]*/g)].map(([line]) => line),
  );
  const found = hosts.flatMap((line) => line.match(QUAD) ?? []);
  const addresses = [...new Set(found)].filter(
    (quad) => !FIXED.test(quad) && !again.includes(quad) && !isNetwork(quad),
  );
  const files = readdirSync(shared, { recursive: true, encoding: 'utf8', withFileTypes: true }).filter((one) =>
    one.isFile(),
  );
  return files.flatMap((file) => {
    const path = join(file.parentPath, file.name);
    const content = readFileSync(path);
    return addresses.flatMap((quad) => {
      const isThere = path.includes('.pcap') ? frameHas(path, quad) : textHas(content, quad);
      return isThere ? [`${quad} is still in ${path}`] : [];
    });
  });
}

/** Numbers that stay may look like an address: those of the headers between the addresses and the payload. */
const SEQUENCE_BYTES = 60;
const [SOURCE_AT, ADDRESSES_END] = [12, 20];

/** Whether a frame of the capture PATH has the address QUAD in its IP header, or behind other headers. */
function frameHas(path: string, quad: string): boolean {
  const bytes = Buffer.from(parseAddress(quad)?.bytes ?? []);
  const reader = openCaptureFile(path);
  try {
    while (reader.next()) {
      const frame = Buffer.from(reader.bytes.slice(reader.at, reader.at + reader.caplen));
      const ip = reader.linktype === Linktype.ETHERNET ? ETHERNET_LENGTH : 0;
      const header = frame.subarray(ip + SOURCE_AT, ip + ADDRESSES_END);
      const rest = frame.subarray(ip + ADDRESSES_END + SEQUENCE_BYTES);
      if ([header.subarray(0, 4), header.subarray(4)].some((one) => one.equals(bytes)) || rest.includes(bytes))
        return true;
    }
  } finally {
    reader.close();
  }
  return false;
}

/** The address of a network, which rules have and packets do not, may stay that. */
const isNetwork = (quad: string): boolean => quad.endsWith('.0');

/** As an address, not as that of a network. */
const textHas = (content: Buffer, quad: string): boolean =>
  content.toString('latin1').match(ADDRESS)?.includes(quad) === true;
