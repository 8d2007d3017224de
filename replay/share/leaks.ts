/** Looks for what was replaced in the files of the shared case. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { addressFromHostOrder, parseAddress } from '../../codecs/address.js';
import { counted, shown } from '../../codecs/text.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { nativePath } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import { NotFollowedError } from '../errors.js';
import { isFirstOfBlock } from './address-map.js';
import { ChanceError } from './chance-error.js';
import { isFormatWord } from './format-words.js';
import type { Inventory } from './inventory.js';
import { keptRanges } from './kept-ranges.js';
import type { Replacements } from './replacements.js';

const CAPTURE = /\.pcap(?:ng)?\d*$/;
const QUAD = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)/g;
const MAC = /(?<![\da-f:])(?:[\da-f]{2}:){5}[\da-f]{2}(?![\da-f])/gi;
/** Rules and their commands, in which numbers may be addresses: what u32 and bpf compare, and marks. */
const RULE = /(?:^|[\s"'\\n])-[AIRC] /;
const NUMBER = /(?<![\w.-])(?:0x[\da-f]{7,8}|\d{8,10})(?![\w.-])/gi;
/** Shorter names may stand anywhere by chance. */
const NAME_CHARS = 5;
const MOST_SHOWN = 8;
const SHOWN_CHARS = 60;

interface Leak {
  readonly what: string;
  /** The file, and the line or the time of the packet. */
  readonly where: string;
  /** Other replacements may do without. */
  readonly isChance: boolean;
}

/**
 * Looks through the files of the case in the folder SHARED.
 * @throws {NotFollowedError} if something of the original is in it, with all of it
 * @throws {ChanceError} the same, if chance may have put it there
 */
export function refuseLeaks(shared: string, inventory: Inventory, replacements: Replacements): void {
  const search = new LeakSearch(inventory, replacements);
  const leaks = filesIn(shared, '').flatMap((name) => {
    const path = join(shared, name);
    return [...search.inName(name), ...(CAPTURE.test(name) ? search.inCapture(path, name) : search.inText(path, name))];
  });
  if (leaks.length === 0) return;
  const places = new Map<string, Leak[]>();
  for (const leak of leaks) places.set(leak.what, [...(places.get(leak.what) ?? []), leak]);
  const lines = [...places].map(([what, [{ where }, ...others]]) =>
    others.length === 0 ? `${what}: ${where}` : `${what}: ${where}, and ${counted(others.length, 'more place')}`,
  );
  const more = lines.length - MOST_SHOWN;
  const shown = [...lines.slice(0, MOST_SHOWN), ...(more > 0 ? [`and ${more} more`] : [])];
  const message = [
    'nothing was written, because the shared case would still have of the original',
    ...shown.map((line) => `  ${line}`),
    'Change that in a copy of the case (other names, or without those lines), and share the copy',
  ].join('\n');
  const error = leaks.every(({ isChance }) => isChance) ? new ChanceError(message) : new NotFollowedError(message);
  // An error of one line by itself; what is of the case was made harmless above.
  error.message = message;
  throw error;
}

function filesIn(dir: string, prefix: string): string[] {
  return readdirSync(nativePath(join(dir, prefix)), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesIn(dir, `${prefix}${entry.name}/`) : [`${prefix}${entry.name}`],
  );
}

class LeakSearch {
  readonly #addresses: ReadonlySet<number>;
  /** The same, with those of networks, which packets may have by chance. */
  readonly #written: ReadonlySet<number>;
  readonly #macs: ReadonlySet<string>;
  readonly #names: readonly (readonly [name: string, pattern: RegExp])[];

  constructor(inventory: Inventory, replacements: Replacements) {
    // What was replaced may be what something else was replaced by.
    const images = new Set([...inventory.addresses].map((address) => replacements.address(address)));
    const networks = [...inventory.networks.values()].filter(({ address }) => address.family === 'ipv4');
    const networkImages = new Set(
      networks.map(({ address, length }) => replacements.inNetwork(address, length).hostOrder),
    );
    const isLeak = (address: number): boolean => !images.has(address) && !isFirstOfBlock(address);
    this.#addresses = new Set([...inventory.addresses].filter(isLeak));
    const written = [...this.#addresses, ...networks.map(({ address }) => address.hostOrder)];
    this.#written = new Set(written.filter((address) => isLeak(address) && !networkImages.has(address)));
    const macImages = new Set([...inventory.macs].map((mac) => replacements.macHex(mac)));
    // Those of neighbours that are not given follow their addresses, which are others here.
    for (const address of images) macImages.add(macOfNeighbour(address));
    this.#macs = new Set([...inventory.macs].filter((mac) => !macImages.has(mac)));
    const names = [...inventory.names].flatMap(([kind, all]) =>
      [...all].filter((name) => replacements.named(kind, name) !== name),
    );
    const interfaces = [...inventory.interfaces].filter((name) => replacements.iface(name) !== name);
    this.#names = [...new Set([...names, ...interfaces].map((name) => name.trim()))]
      .filter((name) => name.length >= NAME_CHARS && !isFormatWord(name))
      .map((name) => [name, new RegExp(`(?<![\\w-]|-[mjp] )${escaped(name)}(?![\\w-]|": )`)] as const);
  }

  inName(file: string): Leak[] {
    const found = this.#names.filter(([, pattern]) => pattern.test(file));
    return found.map(([name]) => ({ what: nameOf(name), where: `the name of ${file}`, isChance: false }));
  }

  inText(path: string, file: string): Leak[] {
    const text = readText(path);
    // Most names are nowhere.
    const names = this.#names.filter(([, pattern]) => pattern.test(text));
    return text.split('\n').flatMap((line, i) => {
      const where = `${file}:${i + 1} (${excerpt(line)})`;
      return [
        ...this.#numbersIn(line).map((what) => ({ what, where, isChance: true })),
        ...this.#numberedIn(line).map((what) => ({ what, where, isChance: false })),
        ...names
          .filter(([, pattern]) => pattern.test(line))
          .map(([name]) => ({ what: nameOf(name), where, isChance: false })),
      ];
    });
  }

  #numbersIn(line: string): string[] {
    const addresses = [...line.matchAll(QUAD)].filter(([quad]) => {
      const address = parseAddress(quad);
      return address !== undefined && this.#written.has(address.hostOrder);
    });
    const macs = [...line.matchAll(MAC)].filter(([mac]) => this.#macs.has(mac.replaceAll(':', '').toLowerCase()));
    return [...addresses.map(([quad]) => `the address ${quad}`), ...macs.map(([mac]) => `the MAC address ${mac}`)];
  }

  /** Addresses among the numbers of a rule. */
  #numberedIn(line: string): string[] {
    if (!RULE.test(line)) return [];
    return [...line.matchAll(NUMBER)]
      .filter(([number]) => this.#written.has(Number(number)))
      .map(([number]) => `the address ${addressFromHostOrder(Number(number))} as ${number}`);
  }

  inCapture(path: string, file: string): Leak[] {
    const leaks: Leak[] = [];
    const reader = openCaptureFile(path);
    try {
      for (let number = 1; reader.next(); number++) {
        const frame = reader.bytes.slice(reader.at, reader.at + reader.caplen);
        const found = this.#inFrame(frame, reader.linktype);
        leaks.push(...found.map((what) => ({ what, where: `${file}, packet ${number}`, isChance: true })));
      }
    } finally {
      reader.close();
    }
    return leaks;
  }

  #inFrame(bytes: Uint8Array, linktype: number): string[] {
    const view = new DataView(bytes.buffer);
    const kept = keptRanges(bytes, linktype);
    const isKept = (from: number, to: number): boolean => kept.some(([first, last]) => from < last && to > first);
    const found: string[] = [];
    for (let at = 0; at + 4 <= bytes.length; at++) {
      const value = view.getUint32(at);
      if (this.#addresses.has(value) && !isKept(at, at + 4)) found.push(`the address ${addressFromHostOrder(value)}`);
    }
    const hex = Buffer.from(bytes).toString('hex');
    for (const mac of this.#macs) {
      const at = hex.indexOf(mac);
      if (at >= 0 && at % 2 === 0 && !isKept(at / 2, at / 2 + 6))
        found.push(`the MAC address ${mac.match(/../g)!.join(':')}`);
    }
    return found;
  }
}

const macOfNeighbour = (address: number): string => `0200${address.toString(16).padStart(8, '0')}`;
const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const nameOf = (name: string): string => `the name "${shown(name)}"`;

function excerpt(line: string): string {
  const text = shown(line.trim());
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS - 1)}…` : text;
}
