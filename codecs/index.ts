/** The codecs as a library: captures, checksums and link types as bytes in memory or from any source. No I/O. */

export { type ByteSink, type ByteSource, MemorySink, sourceOf } from './byte-stream.js';
export { type CaptureOptions, type CaptureReader, type CaptureRecord, openCapture } from './capture.js';
export { type CaptureCut, CaptureError } from './capture-error.js';
export { isSupportedLinktype, Linktype, linktypeName } from './linktypes.js';
export { CaptureMerger } from './merge.js';
export { PcapWriter } from './pcap-writer.js';
