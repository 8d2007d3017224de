/** What people mistake most in expect.yaml, and what they are told. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readExpectation } from '../../codecs/expectation/read-expectation.js';

const Mistakes = suite('mistakes in expect.yaml');

const NAMES = new Map([
  ['host', ['192.0.2.10']],
  ['visitor', ['203.0.113.7']],
]);

function messageOf(text: string): string {
  try {
    readExpectation(text, 'x', NAMES, ['martian-source']);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

function all(told: readonly (readonly [lines: string, message: string])[]): void {
  assert.equal(
    told.map(([lines]) => messageOf(`expect:\n${lines}\n`)),
    told.map(([, message]) => message),
  );
}

const FIRST = '  - packet: tcp * > *:22\n';

Mistakes('lines that begin in the wrong column', () => {
  const column = (name: string, is: number, other: string, wanted: number) =>
    `"${name}" begins in column ${is}, but "${other}" above it in column ${wanted}; both have to be the same`;
  all([
    [`${FIRST}      ends: dropped`, `x:3:7: ${column('ends', 7, 'packet', 5)}`],
    [`${FIRST}\n    # why\n\n      ends: dropped`, `x:6:7: ${column('ends', 7, 'packet', 5)}`],
    ['  - packet: "tcp * > *:22"\n      ends: dropped', `x:3:7: ${column('ends', 7, 'packet', 5)}`],
    ['  - it: a\n    packet: tcp * > *:22\n      ends: dropped', `x:4:7: ${column('ends', 7, 'packet', 5)}`],
    [`${FIRST}   ends: dropped`, `x:3:4: ${column('ends', 4, 'packet', 5)}`],
    [`${FIRST}  ends: dropped`, `x:3:3: ${column('ends', 3, 'packet', 5)}`],
    [`${FIRST}    ends: dropped\n   by: filter INPUT`, `x:4:4: ${column('by', 4, 'ends', 5)}`],
    ['- packet: tcp * > *:22\n ends: dropped', `x:3:2: ${column('ends', 2, 'packet', 3)}`],
    [`${FIRST} - packet: tcp * > *:23`, `x:3:2: ${column('- packet', 2, '- packet', 3)}`],
    [`${FIRST}    ends: dropped\n   - packet: tcp * > *:23`, `x:4:4: ${column('- packet', 4, '- packet', 3)}`],
  ]);
});

Mistakes('tabs, and what is missing behind the name of a member', () => {
  const tab = 'a tab before the text; expected blanks';
  all([
    [`${FIRST}  \tends: dropped`, `x:3:3: ${tab}`],
    [`${FIRST}    \tends: dropped`, `x:3:5: ${tab}`],
    ['  \t- packet: tcp * > *:22', `x:2:3: ${tab}`],
    [`${FIRST}    ends:dropped`, 'x:3:5: a blank is missing behind "ends:"'],
    [`${FIRST}    ends:dropped\n    by: filter INPUT`, 'x:3:5: a blank is missing behind "ends:"'],
    ['  - it:a\n    packet: tcp * > *:22', 'x:2:5: a blank is missing behind "it:"'],
    ['  - { packet: tcp * > *:22, ends:dropped }', 'x:2:29: a blank is missing behind "ends:"'],
    [`${FIRST}    ends dropped`, 'x:3:5: a colon and a blank are missing behind "ends"'],
    [`${FIRST}    ends\n    by: filter INPUT`, 'x:3:5: a colon and a blank are missing behind "ends"'],
  ]);
});

Mistakes('members and ends that there are not', () => {
  const ends = 'expected accepted, forwarded, sent, delivered, dropped, rejected, held or skipped';
  all([
    [
      '  - send: eth0 tcp visitor > host:80 S\n    reply: tcp',
      'x:3:5: unknown member "reply"; with send go it, after, becomes, ends, by, answer',
    ],
    ['  - never: tcp * > host:80\n    end: sent', 'x:3:5: unknown member "end"; with never go it'],
    [`${FIRST}    ends: blocked`, `x:3:11: "blocked" is no end; did you mean dropped or rejected? ${ends}`],
    [`${FIRST}    ends: refused`, `x:3:11: "refused" is no end; did you mean rejected? ${ends}`],
    [`${FIRST}    ends: allowed`, `x:3:11: "allowed" is no end; did you mean accepted? ${ends}`],
  ]);
});

Mistakes('sentences', () => {
  all([
    [
      '  - never: * > host:5432',
      'x:2:12: an alias (*NAME) is not allowed here; ' +
        'a sentence begins with its protocol, as in "tcp * > 192.0.2.10:5432"',
    ],
    [
      '  - send: eth0 visitor > host:8081',
      'x:2:11: no protocol behind the interface "eth0"; expected one, as in \'eth0 tcp SOURCE > DESTINATION\'',
    ],
    ['  - send: tcp "*" > host:80', 'x:2:15: write * without quotes'],
    ['  - send: tcp "visitor":99 > host:80', 'x:2:15: write visitor:99 without quotes'],
    ['  - never: tcp * > 8081', 'x:2:20: "8081" is not an address; for a port write ADDRESS:8081 or *:8081'],
    [
      '  - send: eth0 ping visitor > host',
      'x:2:16: "ping" is not a protocol; write icmp SOURCE > DESTINATION echo-request',
    ],
    [
      '  - send: eth0 ssh visitor > host',
      'x:2:16: "ssh" is a service, not a protocol; write tcp SOURCE > DESTINATION:ssh',
    ],
  ]);
});

Mistakes('those of several claims are told together', () => {
  all([
    [
      '  - never: tcp * > 22\n  - send: tcp visitor > host:80\n  - packet: tcp * > *:22\n    ends: droped',
      'x:2:20: "22" is not an address; for a port write ADDRESS:22 or *:22\n' +
        'x:5:11: "droped" is no end; did you mean dropped?; ' +
        'expected accepted, forwarded, sent, delivered, dropped, rejected, held or skipped',
    ],
  ]);
});

Mistakes.run();
