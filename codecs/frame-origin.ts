/** hot: where a frame was captured, as far as its link header says so (https://www.tcpdump.org/linktypes.html). */
import type { CaptureRecord } from './capture.js';
import {
  SLL_LENGTH,
  SLL_PACKET_TYPE_AT,
  SLL2_INTERFACE_INDEX_AT,
  SLL2_LENGTH,
  SLL2_PACKET_TYPE_AT,
} from './layouts.js';
import { Linktype } from './linktypes.js';
import { NflogPacket } from './nflog.js';

/** The packet types of linux/if_packet.h that cooked headers have. */
export const CookedType = { HOST: 0, BROADCAST: 1, MULTICAST: 2, OTHERHOST: 3, OUTGOING: 4 } as const;

/** What the last `read` found; reused for all frames. */
export class FrameOrigin {
  /**
   * The kernel's index of the interface: SLL2, and NFLOG with an ingress interface. 0 if the header does not have it.
   */
  ifindex = 0;
  /** NFLOG: the kernel's index of the egress interface; else 0. */
  outIfindex = 0;
  /** SLL and SLL2: a `CookedType`, or another value; -1 if the link has none. */
  packetType = -1;
  /** NFLOG: the netfilter hook, 0 (PREROUTING) to 4 (POSTROUTING); else -1. */
  hook = -1;
  readonly #nflog = new NflogPacket();

  /** Reads the link header of FRAME. A header that is cut short has nothing. */
  read({ linktype, view, at, caplen }: Pick<CaptureRecord, 'linktype' | 'view' | 'at' | 'caplen'>): void {
    this.ifindex = 0;
    this.outIfindex = 0;
    this.packetType = -1;
    this.hook = -1;
    if (linktype === Linktype.LINUX_SLL2 && caplen >= SLL2_LENGTH) {
      this.ifindex = view.getUint32(at + SLL2_INTERFACE_INDEX_AT);
      this.packetType = view.getUint8(at + SLL2_PACKET_TYPE_AT);
    } else if (linktype === Linktype.LINUX_SLL && caplen >= SLL_LENGTH) {
      this.packetType = view.getUint16(at + SLL_PACKET_TYPE_AT);
    } else if (linktype === Linktype.NFLOG && this.#nflog.read(view, at, caplen)) {
      this.ifindex = this.#nflog.inDev;
      this.outIfindex = this.#nflog.outDev;
      this.hook = this.#nflog.hook;
    }
  }
}
