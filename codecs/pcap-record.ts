/** The record header in classic pcap files. Its byte order is that of the machine that wrote the file. */
import { layout, u32 } from './record-layout.js';

/** https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html, section 5 */
export const PCAP_RECORD = layout('PcapRecord', {
  sec: u32,
  /** Microseconds or nanoseconds, depending on the file's magic number. */
  fraction: u32,
  /** How many bytes of the packet follow, and its length on the wire. */
  capturedBytes: u32,
  wireBytes: u32,
});

export const PCAP_RECORD_HEADER_BYTES = PCAP_RECORD.bytes;
