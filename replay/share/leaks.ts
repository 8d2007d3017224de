/** Looks for what was replaced in the files of the shared case. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAddress } from '../../codecs/address.js';
import { openCaptureFile } from '../../io/capture-file.js';
import { nativePath } from '../../io/path.js';
import { readText } from '../../io/text-file.js';
import { ChanceError } from './chance-error.js';
import type { Inventory } from './inventory.js';
import { keptRanges } from './kept-ranges.js';
import type { Replacements } from './replacements.js';

const CAPTURE = /\.pcap(?:ng)?\d*$/;
const QUAD = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)/g;
const MAC = /(?<![\da-f:])(?:[\da-f]{2}:){5}[\da-f]{2}(?![\da-f])/gi;
/** Words of hosts and rules that may also be somebody's name. */
const VOCABULARY: readonly string[] = [
  ...[
    'bridge',
    'ether',
    'loopback',
    'global',
    'kernel',
    'static',
    'unicast',
    'local',
    'broadcast',
    'default',
    'address',
  ],
  ...[
    'accept',
    'reject',
    'return',
    'connected',
    'state',
    'comment',
    'addrtype',
    'conntrack',
    'multiport',
    'recent',
    'limit',
  ],
  ...[
    'filter',
    'mangle',
    'security',
    'input',
    'output',
    'forward',
    'prerouting',
    'postrouting',
    'docker',
    'chain',
    'table',
  ],
];
/** Shorter names may stand anywhere by chance. */
const NAME_CHARS = 5;

/**
 * Looks through the files of the case in the folder SHARED.
 * @throws {ChanceError} at the first thing of the original in it
 */
export function refuseLeaks(shared: string, inventory: Inventory, replacements: Replacements): void {
  const search = new LeakSearch(inventory, replacements);
  for (const name of filesIn(shared, '')) {
    const path = join(shared, name);
    const found = search.inName(name) ?? (CAPTURE.test(name) ? search.inCapture(path) : search.inText(readText(path)));
    if (found !== undefined)
      throw new ChanceError(`nothing was written: ${name} would still have ${found} of the original`);
  }
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
    this.#addresses = new Set([...inventory.addresses].filter((address) => !images.has(address)));
    const written = [...this.#addresses, ...networks.map(({ address }) => address.hostOrder)];
    this.#written = new Set(written.filter((address) => !images.has(address) && !networkImages.has(address)));
    const macImages = new Set([...inventory.macs].map((mac) => replacements.macHex(mac)));
    this.#macs = new Set([...inventory.macs].filter((mac) => !macImages.has(mac)));
    const names = [...inventory.names].flatMap(([kind, all]) =>
      [...all].filter((name) => replacements.named(kind, name) !== name),
    );
    const interfaces = [...inventory.interfaces].filter((name) => replacements.iface(name) !== name);
    this.#names = [...new Set([...names, ...interfaces])]
      .filter((name) => name.trim().length >= NAME_CHARS && !VOCABULARY.includes(name.trim().toLowerCase()))
      .map((name) => [name, new RegExp(`(?<![\\w-]|-[mjp] )${escaped(name.trim())}(?![\\w-]|": )`)] as const);
  }

  inName(name: string): string | undefined {
    const found = this.#names.find(([, pattern]) => pattern.test(name));
    return found && `the name ${found[0]}`;
  }

  inText(text: string): string | undefined {
    for (const [quad] of text.matchAll(QUAD)) {
      const address = parseAddress(quad);
      if (address !== undefined && this.#written.has(address.hostOrder)) return `the address ${quad}`;
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
