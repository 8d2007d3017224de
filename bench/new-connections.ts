/** A workload in which every packet opens a connection: a SYN from a different client to the published port. */
import { join } from 'node:path';
import { TCP_SYN } from '../codecs/layouts.js';
import { Linktype } from '../codecs/linktypes.js';
import { createPcapFile } from '../io/capture-file.js';
import { fromClient } from './est64.js';
import { FrameBuilder } from './frame-builder.js';

/** Writes COUNT packets, which arrive on eth0, to a file in DIR; returns its path. */
export function writeNewConnections(dir: string, count: number): string {
  const path = join(dir, `new-${count}-eth0.pcap`);
  const writer = createPcapFile(path, Linktype.ETHERNET);
  const frame = new FrameBuilder();
  for (let n = 0; n < count; n++) {
    frame.tcp(fromClient(n), n & 0xffff, TCP_SYN, 1_000_000 + n, 0, 0);
    frame.writeTo(writer, n);
  }
  writer.close();
  return path;
}
