/** Compares the tracker with the kernel's results for TCP conversations (recorded by record-tcp-stories.ts). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { listConnection } from '../../core/conntrack/list.js';
import { RECORD_WORDS } from '../../core/conntrack/record.js';
import { setClosing, tcp } from '../../core/protocols/tcp.js';
import { TCP_STORIES } from './tcp-stories.js';
import { type Line, packetOf, parseStories, type Story, upTo } from './tcp-story.js';
import { Tracking } from './tracking.js';

const OPENER_PORT = 40_000;

const stories = suite('TCP, as the kernel tracks it');

for (const story of parseStories(TCP_STORIES)) {
  stories(story.name, () => {
    for (const line of story.lines) {
      assert.is.not(line.seen, '', `not recorded: ${line.text}`);
      assert.is(play(story, line), line.seen, line.text);
    }
  });
}

stories('a RST that this host sends about a connection ends it (nf_ct_set_closing)', () => {
  const [story] = parseStories('# handshake\n> S seq=100 |\n< SA seq=5000 ack=101 |\n> A seq=101 ack=5001 |');
  const tracking = new Tracking();
  const tracker = tracking.tracker(tcp);
  for (const { segment } of story.lines) tracking.track(tracker, packetOf(segment, OPENER_PORT));
  const stateOf = () => listConnection(tracking.table, tracking.entry, 0).state;
  assert.is(stateOf(), 'ESTABLISHED');
  setClosing(tracker, tracking.entry, 0);
  assert.is(stateOf(), 'CLOSE');
  assert.is(tracking.describe(), '10 2/80 1/40 ASSURED');
  setClosing(tracker, tracking.entry, 5000);
  assert.is(tracking.describe(), '10 2/80 1/40 ASSURED', 'only once');
});

stories.run();

function play(story: Story, last: Line): string {
  const tracking = new Tracking();
  const tracker = tracking.tracker(tcp, story.sysctl);
  let seen = '';
  for (const { segment } of upTo(story, last)) {
    for (let time = 0; time < segment.times; time++) seen = tracking.track(tracker, packetOf(segment, OPENER_PORT));
  }
  if (tracking.entry < 0) return `${seen} -`;
  const state = tcp.stateNames[tracking.table.words[tracking.entry * RECORD_WORDS + tcp.stateWord]];
  return `${seen} ${state} ${tracking.describe()}`;
}
