/** SCTP associations, with the states in Linux 6.18 after each packet. */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crc32cStep } from '../../codecs/crc32c.js';
import { IPPROTO_SCTP, IPV4_LENGTH } from '../../codecs/layouts.js';
import { RECORD_WORDS } from '../../core/conntrack/record.js';
import { Invalid } from '../../core/protocols/protocol.js';
import { Chunk, sctp } from '../../core/protocols/sctp.js';
import { Tracking } from '../conntrack/tracking.js';
import { buildIpv4 } from '../packets/packets.js';
import { buildSctp } from '../packets/sctp.js';

const associations = suite('SCTP');

associations('CRC-32C of the digits (RFC 3720, appendix B.4, and every catalogue of CRCs)', () => {
  const digits = Buffer.from('123456789');
  const view = new DataView(digits.buffer, digits.byteOffset, digits.length);
  assert.is(~crc32cStep(view, 0, digits.length, -1) >>> 0, 0xe3069283);
});

associations('an association from INIT to SHUTDOWN COMPLETE', () => {
  const see = association();
  assert.is(see('>', 0, [init(6)]), 'NEW CLOSED 10 1/52 0/0 UNREPLIED');
  assert.is(see('<', 6, [initAck(4)]), 'ESTABLISHED/R COOKIE_WAIT 3 1/52 1/52');
  assert.is(see('>', 4, [chunk(Chunk.COOKIE_ECHO)]), 'ESTABLISHED COOKIE_ECHOED 3 2/92 1/52');
  assert.is(see('<', 6, [chunk(Chunk.COOKIE_ACK)]), 'ESTABLISHED/R ESTABLISHED 210 2/92 2/92 ASSURED');
  assert.is(see('>', 4, [chunk(Chunk.DATA)]), 'ESTABLISHED ESTABLISHED 210 3/132 2/92 ASSURED');
  assert.is(see('>', 4, [chunk(Chunk.SHUTDOWN)]), 'ESTABLISHED SHUTDOWN_SENT 3 4/172 2/92 ASSURED');
  assert.is(see('<', 6, [chunk(Chunk.SHUTDOWN_ACK)]), 'ESTABLISHED/R SHUTDOWN_ACK_SENT 3 4/172 3/132 ASSURED');
  assert.is(see('>', 4, [chunk(Chunk.SHUTDOWN_COMPLETE)]), 'ESTABLISHED CLOSED 10 5/212 3/132 ASSURED');
});

associations('an INIT again passes uncounted; an ABORT ends the association', () => {
  const see = association();
  see('>', 0, [init(6)]);
  assert.is(see('>', 0, [init(6)]), 'NEW CLOSED 10 1/52 0/0 UNREPLIED');
  see('<', 6, [initAck(4)]);
  assert.is(see('<', 6, [chunk(Chunk.ABORT)]), 'ESTABLISHED/R CLOSED 10 1/52 2/92');
});

associations('a packet with another tag is INVALID', () => {
  const see = association();
  see('>', 0, [init(6)]);
  see('<', 6, [initAck(4)]);
  see('>', 4, [chunk(Chunk.COOKIE_ECHO)]);
  see('<', 6, [chunk(Chunk.COOKIE_ACK)]);
  assert.is(see('>', 6, [chunk(Chunk.DATA)]), 'INVALID ESTABLISHED 210 2/92 2/92 ASSURED');
  assert.is(see('<', 6, [initAck(9)]), 'INVALID ESTABLISHED 210 2/92 2/92 ASSURED');
});

associations(
  'out of the blue: a heartbeat and a SHUTDOWN ACK open an entry; DATA, ABORT, COOKIE ACK, two INITs do not',
  () => {
    assert.is(association()('>', 3, [chunk(Chunk.HEARTBEAT)]), 'NEW HEARTBEAT_SENT 30 1/40 0/0 UNREPLIED');
    assert.is(association()('>', 3, [chunk(Chunk.SHUTDOWN_ACK)]), 'NEW SHUTDOWN_ACK_SENT 3 1/40 0/0 UNREPLIED');
    for (const type of [Chunk.DATA, Chunk.ABORT, Chunk.COOKIE_ACK, Chunk.SHUTDOWN_COMPLETE]) {
      assert.is(association()('>', 3, [chunk(type)]), 'INVALID');
    }
    assert.is(association()('>', 0, [init(6), init(6)]), 'INVALID');
    assert.is(association()('>', 0, []), 'INVALID');
  },
);

associations('an answered heartbeat of another path establishes it', () => {
  const see = association();
  see('>', 3, [chunk(Chunk.HEARTBEAT)]);
  assert.is(see('<', 9, [chunk(Chunk.HEARTBEAT_ACK)]), 'ESTABLISHED/R ESTABLISHED 210 1/40 1/40 ASSURED');
});

associations('a checksum that fails is INVALID', () => {
  const tracking = new Tracking();
  const bytes = packetOf('>', 0, [init(6)]);
  bytes[IPV4_LENGTH + 8] ^= 1;
  assert.is(tracking.track(tracking.tracker(sctp), bytes), 'INVALID');
  assert.is(tracking.track(tracking.tracker(sctp, { 'net.netfilter.nf_conntrack_checksum': 0 }), bytes), 'NEW');
});

associations('INVALID says which check failed', () => {
  const faultOf = (...packets: [direction: string, tag: number, chunks: number[][]][]): Invalid => {
    const tracking = new Tracking();
    const tracker = tracking.tracker(sctp);
    const seen = packets.map(([direction, tag, chunks]) => tracking.track(tracker, packetOf(direction, tag, chunks)));
    assert.is(seen.at(-1), 'INVALID');
    return tracking.fault;
  };
  assert.is(faultOf(['>', 3, [chunk(Chunk.DATA)]]), Invalid.NOT_OPENING);
  assert.is(faultOf(['>', 3, [chunk(Chunk.ABORT)]]), Invalid.NOT_OPENING);
  assert.is(faultOf(['>', 3, [init(6)]]), Invalid.TAG);
  assert.is(faultOf(['>', 0, [init(6), init(6)]]), Invalid.CHUNKS);
  assert.is(faultOf(['>', 0, [init(6).slice(0, 8)]]), Invalid.CHUNKS);
  const opened: [string, number, number[][]] = ['>', 0, [init(6)]];
  assert.is(faultOf(opened, ['<', 6, []]), Invalid.CHUNKS);
  assert.is(faultOf(opened, ['<', 6, [initAck(4)]], ['>', 9, [chunk(Chunk.DATA)]]), Invalid.TAG);
  assert.is(faultOf(['>', 3, [chunk(Chunk.HEARTBEAT)]], ['<', 0, [init(6)]]), Invalid.STATE);
});

associations.run();

/** The ctstate of each packet of an association, and the entry after it. */
function association(): (direction: string, tag: number, chunks: number[][]) => string {
  const tracking = new Tracking();
  const tracker = tracking.tracker(sctp);
  return (direction, tag, chunks) => {
    const seen = tracking.track(tracker, packetOf(direction, tag, chunks));
    if (tracking.entry < 0) return seen;
    const state = sctp.stateNames[tracking.table.words[tracking.entry * RECORD_WORDS + sctp.stateWord]];
    return `${seen} ${state} ${tracking.describe()}`;
  };
}

function chunk(type: number): number[] {
  return [type, 0, 0, 8, 1, 2, 3, 4];
}

function init(tag: number, type: number = Chunk.INIT): number[] {
  return [type, 0, 0, 20, 0, 0, 0, tag, 0, 0, 16, 0, 0, 1, 0, 1, 0, 0, 0, 1];
}

function initAck(tag: number): number[] {
  return init(tag, Chunk.INIT_ACK);
}

function packetOf(direction: string, tag: number, chunks: number[][]): Uint8Array {
  const ends =
    direction === '>'
      ? { source: '10.1.0.2', destination: '10.2.0.2', sport: 40_000, dport: 80 }
      : { source: '10.2.0.2', destination: '10.1.0.2', sport: 80, dport: 40_000 };
  const body = chunks.map((bytes) => Uint8Array.from(bytes));
  return buildIpv4({ ...ends, protocol: IPPROTO_SCTP }, buildSctp(ends.sport, ends.dport, tag, body));
}
