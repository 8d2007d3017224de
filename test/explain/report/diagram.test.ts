/** Where things stand in the picture of a host, and how wide its bands are. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { InterfacePicture } from '../../../explain/report/format/host-picture.js';
import { bandWidth, strandBox, strandsOf, WIDEST } from '../../../pages/data/diagram/bands.js';
import { interfaceCards } from '../../../pages/data/diagram/interface-cards.js';
import { type Box, type Layout, layoutOf, type Sizes } from '../../../pages/data/diagram/layout.js';

const diagram = suite('diagram of a host');

function sizes(cards: number): Sizes {
  return {
    hooks: { PREROUTING: 190, INPUT: 150, FORWARD: 120, OUTPUT: 200, POSTROUTING: 90 },
    ...{ routing: 80, host: 100, link: 26, egress: 26 },
    inCards: Array.from({ length: cards }, () => 64),
    outCards: Array.from({ length: cards }, () => 64),
  };
}

function boxesOf({ boxes, inCards, outCards }: Layout): Box[] {
  return [...Object.values(boxes), ...inCards, ...outCards];
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

diagram('has all within its width, and nothing over something else, in any width', () => {
  for (const cards of [1, 2, 3, 8]) {
    for (const width of [320, 360, 480, 700, 1059, 1060, 1240, 1700, 2520]) {
      const layout = layoutOf(sizes(cards), width);
      const all = boxesOf(layout);
      const label = `${width} px, ${cards} interfaces`;
      assert.ok(layout.width <= width, label);
      for (const box of all) {
        assert.ok(box.x >= 0 && box.x + box.width <= layout.width + 0.01, `${label}: within`);
        assert.ok(box.y + box.height <= layout.height + 0.01, `${label}: above the end`);
      }
      for (const [i, a] of all.entries())
        for (const b of all.slice(i + 1)) assert.not(overlap(a, b), `${label}: ${JSON.stringify([a, b])}`);
    }
  }
});

diagram('has bands that begin and end at their boxes', () => {
  for (const width of [320, 360, 800, 1240]) {
    const { edges, boxes } = layoutOf(sizes(3), width);
    for (const { from, to, line } of edges) {
      const start = boxes[from === 'own routing' ? 'host' : (from as keyof typeof boxes)];
      const end = boxes[to as keyof typeof boxes];
      const touches = ({ x, y, width, height }: Box, point: { x: number; y: number }): boolean =>
        point.x >= x - 0.01 && point.x <= x + width + 0.01 && point.y >= y - 0.01 && point.y <= y + height + 0.01;
      assert.ok(touches(start, line.from), `${width}: ${from} to ${to} begins`);
      assert.ok(touches(end, line.to), `${width}: ${from} to ${to} ends`);
    }
  }
});

diagram('has bands as wide as the square root of their packets, which can be seen even if they are few', () => {
  assert.is(bandWidth(1_000_000, 1_000_000), WIDEST);
  assert.is(bandWidth(250_000, 1_000_000), WIDEST / 2);
  assert.ok(bandWidth(1, 1_000_000) >= 1);
  assert.is(bandWidth(0, 1_000_000), 0);
});

diagram('shares a band among its strands, none of which vanishes', () => {
  const strands = strandsOf(Float64Array.of(750, 0, 250, 1), 20);
  assert.equal(
    strands.map(({ kind }) => kind),
    [0, 2, 3],
  );
  const widths = strands.map(({ width }) => width);
  assert.ok(Math.abs(widths.reduce((sum, one) => sum + one, 0) - 20) < 1e-9);
  assert.ok(widths.every((width) => width >= 1));
  for (const [i, { offset, width }] of strands.entries()) {
    const edge = i === 0 ? -10 : strands[i - 1].offset + strands[i - 1].width / 2;
    assert.ok(Math.abs(offset - width / 2 - edge) < 1e-9, 'side by side');
  }
  const line = { from: { x: 0, y: 10 }, to: { x: 40, y: 10 }, axis: 'x' } as const;
  assert.equal(strandBox(line, 3, 4), { x: 0, y: 11, width: 40, height: 4 });
});

function named(name: string, more: Partial<InterfacePicture> = {}): InterfacePicture {
  return { name, addresses: [], isUp: true, isLoopback: false, neighbours: [], ...more };
}

diagram('has a card for each of few interfaces, and none for lo and ports that saw nothing', () => {
  const interfaces = [
    named('lo', { isLoopback: true }),
    named('eth0'),
    named('docker0'),
    named('veth12', { bridge: 'docker0' }),
    named('br-gone', { isTemporary: true }),
  ];
  assert.equal(interfaceCards(interfaces, [0, 5, 3, 0, 0], 8), [
    { name: 'eth0', devs: [1], ports: 0 },
    { name: 'docker0', devs: [2], ports: 1 },
  ]);
  assert.is(interfaceCards(interfaces, [1, 5, 3, 0, 2], 8).length, 4);
});

diagram('has few cards for 300 interfaces: the busiest, and groups by name, each interface once', () => {
  const interfaces = [
    named('lo', { isLoopback: true }),
    ...Array.from({ length: 4 }, (_, i) => named(`eth${i}`)),
    ...Array.from({ length: 200 }, (_, i) => named(`veth${(i + 4096).toString(16)}`)),
    ...Array.from({ length: 60 }, (_, i) => named(`br-${(i + 0xabcdef000000).toString(16)}`)),
    ...Array.from({ length: 30 }, (_, i) => named(`x${String.fromCharCode(97 + (i % 26))}${i > 25 ? 'z' : ''}`)),
  ];
  const packets = interfaces.map((_, dev) => (dev === 7 ? 1000 : dev === 240 ? 500 : 0));
  const cards = interfaceCards(interfaces, packets, 8);
  assert.ok(cards.length <= 8, `${cards.length} cards`);
  assert.ok(cards.some(({ name }) => name === interfaces[7].name));
  assert.ok(cards.some(({ name }) => name === 'veth*'));
  assert.ok(cards.some(({ name }) => name === 'br-*'));
  const devs = cards.flatMap((card) => card.devs).sort((a, b) => a - b);
  assert.equal(devs, interfaces.map((_, dev) => dev).slice(1));
});

diagram.run();
