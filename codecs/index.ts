/** The codecs as a library: reads and writes captures in memory, or from any source and to any sink. No I/O. */

export { type ByteSink, type ByteSource, MemorySink, sourceOf } from './byte-stream.js';
export { type CaptureOptions, type CaptureReader, type CaptureRecord, Direction, openCapture } from './capture.js';
export { type CaptureCut, CaptureError } from './capture-error.js';
export { ConntrackListError } from './conntrack-list-error.js';
export { readConntrackList } from './conntrack-reader.js';
export { CaptureFilter, type FilteredRecord } from './filter/capture-filter.js';
export { FilterError } from './filter/filter-error.js';
export { isSupportedLinktype, Linktype, linktypeName } from './linktypes.js';
export { CaptureMerger } from './merge.js';
export { PcapWriter } from './pcap-writer.js';
export { decodeText, encodeText, shown } from './text.js';
