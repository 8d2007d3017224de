/** Looks for what was replaced in the files of the shared case. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAddress } from '../../codecs/address.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { nativePath } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import { NotFollowedError } from '../errors.js';
import type { Inventory } from './inventory.js';
import { keptRanges } from './kept-ranges.js';
import type { Replacements } from './replacements.js';

const CAPTURE = /\.pcap(?:ng)?\d*$/;
const QUAD = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)/g;
const MAC = /(?<![\da-f:])(?:[\da-f]{2}:){5}[\da-f]{2}(?![\da-f])/gi;
/** Shorter names may stand anywhere by chance. */
const NAME_CHARS = 5;

/** The first thing of the original that is still in the case SHARED; undefined: nothing is. */
export function findLeak(
  shared: string,
  inventory: Inventory,
  replacements: Replacements,
): NotFollowedError | undefined {
  const search = new LeakSearch(inventory, replacements);
  for (const name of filesIn(shared, '')) {
    const path = join(shared, name);
    const found = search.inName(name) ?? (CAPTURE.test(name) ? search.inCapture(path) : search.inText(readText(path)));
    if (found !== undefined)
      return new NotFollowedError(`nothing was written: ${name} would still have ${found} of the original`);
  }
  return undefined;
}

function filesIn(dir: string, prefix: string): string[] {
  return readdirSync(nativePath(join(dir, prefix)), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesIn(dir, `${prefix}${entry.name}/`) : [`${prefix}${entry.name}`],
  );
}

class LeakSearch {
  readonly #addresses: ReadonlySet<number>;
  readonly #macs: ReadonlySet<string>;
  readonly #names: readonly (readonly [name: string, pattern: RegExp])[];

  constructor(inventory: Inventory, replacements: Replacements) {
    // What was replaced may be what something else was replaced by.
    const images = new Set([...inventory.addresses].map((address) => replacements.address(address)));
    const isReplaced = (address: number): boolean => replacements.address(address) !== address && !images.has(address);
    this.#addresses = new Set([...inventory.addresses].filter(isReplaced));
    this.#macs = new Set([...inventory.macs].filter((mac) => replacements.macHex(mac) !== mac));
    const names = [...inventory.names].flatMap(([kind, all]) =>
      [...all].filter((name) => replacements.named(kind, name) !== name),
    );
    const interfaces = [...inventory.interfaces].filter((name) => replacements.iface(name) !== name);
    this.#names = [...new Set([...names, ...interfaces])]
      .filter((name) => name.trim().length >= NAME_CHARS)
      .map((name) => [name, new RegExp(`(?<![\\w-]|-[mjp] )${escaped(name.trim())}(?![\\w-]|": )`)] as const);
  }

  inName(name: string): string | undefined {
    const found = this.#names.find(([, pattern]) => pattern.test(name));
    return found && `the name ${found[0]}`;
  }

  inText(text: string): string | undefined {
    for (const [quad] of text.matchAll(QUAD)) {
      const address = parseAddress(quad);
      if (address !== undefined && this.#addresses.has(address.hostOrder)) return `the address ${quad}`;
    }
    for (const [mac] of text.matchAll(MAC))
      if (this.#macs.has(mac.replaceAll(':', '').toLowerCase())) return `the MAC address ${mac}`;
    const found = this.#names.find(([, pattern]) => pattern.test(text));
    return found && `"${found[0]}"`;
  }

  inCapture(path: string): string | undefined {
    const reader = openCaptureFile(path);
    try {
      while (reader.next()) {
        const frame = reader.bytes.slice(reader.at, reader.at + reader.caplen);
        const found = this.#inFrame(frame, reader.linktype);
        if (found !== undefined) return `${found} (packet of ${reader.tsSec} s)`;
      }
    } finally {
      reader.close();
    }
    return undefined;
  }

  #inFrame(bytes: Uint8Array, linktype: number): string | undefined {
    const view = new DataView(bytes.buffer);
    const kept = keptRanges(bytes, linktype);
    const isKept = (from: number, to: number): boolean => kept.some(([first, last]) => from < last && to > first);
    for (let at = 0; at + 4 <= bytes.length; at++) {
      const value = view.getUint32(at);
      if (this.#addresses.has(value) && !isKept(at, at + 4))
        return `the address ${[...bytes.subarray(at, at + 4)].join('.')}`;
    }
    const hex = Buffer.from(bytes).toString('hex');
    for (const mac of this.#macs) {
      const at = hex.indexOf(mac);
      if (at >= 0 && at % 2 === 0 && !isKept(at / 2, at / 2 + 6)) return `the MAC address ${mac}`;
    }
    return undefined;
  }
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
