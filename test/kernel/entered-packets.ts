/**
 * What enters a host of a capture of whole conversations (`--stitch`), as captures by interface, so that the kernel can
 * be given the same packets.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Linktype } from '../../codecs/linktypes.js';
import { createEmulator } from '../../core/emulator.js';
import { loadHost } from '../../core/host/host.js';
import { Frame } from '../../core/link/frame.js';
import { parseRuleset } from '../../core/rules/parse/parse.js';
import { STITCH_LOCAL, STITCH_SKIPPED, Stitcher } from '../../replay/stitch/stitcher.js';
import { writeCapture } from './capture-file.js';
import { LOCAL } from './router.js';

export interface CapturedFrame {
  tsNs: bigint;
  frame: Uint8Array;
}

/**
 * Writes to DIR what of FRAMES enters the host described by HOST_TEXT with RULES. IS_BARE: frames are IPv4 packets,
 * else Ethernet. Returns the captures.
 */
export function writeEntered(
  dir: string,
  hostText: string,
  rules: string,
  frames: readonly CapturedFrame[],
  isBare: boolean,
): { iface: string; path: string }[] {
  const host = loadHost(hostText, 'host.json');
  const ruleset = parseRuleset(rules, 'rules.v4');
  const emulator = createEmulator(
    { ruleset, host },
    {
      egress: (_, bytes, at) => stitcher.noteOutput(bytes[at + 14 + 9]),
      local: (bytes, at) => stitcher.noteOutput(bytes[at + 9]),
      dropped() {},
    },
  );
  const stitcher = new Stitcher(emulator.connections, host, ruleset);
  const entered = new Map<string, CapturedFrame[]>();
  for (const { tsNs, frame } of frames) {
    const at = isBare ? 0 : 14;
    const bytes = Buffer.from(frame);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const tsSec = Number(tsNs / 1_000_000_000n);
    const tsNsec = Number(tsNs % 1_000_000_000n);
    const dev = stitcher.place(view, at, bytes.length - at, tsSec, tsNsec);
    if (dev === STITCH_SKIPPED) continue;
    const name = dev === STITCH_LOCAL ? LOCAL : host.interfaceNames[dev];
    entered.set(name, [...(entered.get(name) ?? []), { tsNs, frame: Buffer.from(bytes) }]);
    const arriving = new Frame({ dev, linktype: isBare ? Linktype.RAW : Linktype.ETHERNET, tsSec, tsNsec, bytes });
    if (dev === STITCH_LOCAL) emulator.send(arriving);
    else emulator.receive(arriving);
    stitcher.settle(emulator.outcome);
  }
  mkdirSync(dir, { recursive: true });
  return [...entered].map(([iface, captured]) => {
    const path = join(dir, `${iface}.pcap`);
    writeCapture(path, isBare, captured);
    return { iface, path };
  });
}
